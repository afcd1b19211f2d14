"""Faults: the table of ways in which cmsRun of a node can be told to fail, as the stand-in itself has it"""
from .wmruntimeStandIn.Faults import FAULT_FILE, FAULTS

__all__ = ["FAULTS", "FAULT_FILE"]
