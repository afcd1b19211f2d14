"""
`wmruntime doctor`: say what a node has, what a job would use there, and what to mend.
"""
from WMCore.WMRuntime.Doctor.DoctorProgram import PURPOSE, addArguments, examineNode


def register(groups):
    """
    Add the command to the parser.

    :param groups: the subparsers of wmruntime
    """
    parser = groups.add_parser("doctor", help=PURPOSE)
    addArguments(parser)
    parser.set_defaults(run=examineNode)
