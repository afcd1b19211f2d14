"""The job and machine ClassAds that HTCondor leaves beside a job."""
import os

import attr

from WMCore.WMRuntime.WorkerNode.NodeFiles import writeText


@attr.s(frozen=True)
class ClassAds(object):
    """Where the two ads of a job were written."""

    job = attr.ib()      # path, goes to _CONDOR_JOB_AD
    machine = attr.ib()  # path, goes to _CONDOR_MACHINE_AD


def writeAds(directory, requiredOS="rhel8", site="T2_XX_Box", cores=1, memory=2000, resize=False):
    """
    Write a job ad and a machine ad in HTCondor's old syntax, one `Name = expression` a line.

    WMCore reads GLIDEIN_REQUIRED_OS, Cpus and Memory of the machine, WMCore_ResizeJob of the job [PSetTweaks.WMTweak];
    submit_py3.sh reads MachineAttrGLIDEIN_CMSSite0 of the job.

    :param directory: str, folder for `.job.ad` and `.machine.ad`, HTCondor's names
    :param requiredOS: str, operating system of the container, `rhel8`
    :param site: str, CMS site name
    :param cores: int, cpus of the slot
    :param memory: int, MiB of the slot
    :param resize: bool, whether the job takes what the slot has instead of what it asked for
    :return: ClassAds
    """
    job = [("MyType", _quote("Job")), ("ClusterId", 1), ("ProcId", 0), ("JobUniverse", 5),
           ("RequestCpus", cores), ("RequestMemory", memory), ("REQUIRED_OS", _quote(requiredOS)),
           ("MachineAttrGLIDEIN_CMSSite0", _quote(site)), ("WMCore_ResizeJob", "true" if resize else "false")]
    machine = [("MyType", _quote("Machine")), ("Name", _quote("slot1_1@box")), ("Machine", _quote("box")),
               ("Cpus", cores), ("TotalSlotCpus", cores), ("Memory", memory), ("TotalSlotMemory", memory),
               ("GLIDEIN_CMSSite", _quote(site)), ("GLIDEIN_Gatekeeper", _quote("box.example.org")),
               ("GLIDEIN_REQUIRED_OS", _quote(requiredOS))]
    return ClassAds(_write(os.path.join(directory, ".job.ad"), job),
                    _write(os.path.join(directory, ".machine.ad"), machine))


def _quote(text):
    """Write a ClassAd string literal."""
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def _write(path, pairs):
    return writeText(path, "".join("%s = %s\n" % pair for pair in pairs))
