"""
Examine a node with nothing but a sandbox on it: PYTHONPATH=WMCore.zip python3 -m WMCore.WMRuntime.Doctor

Here stands only what any python understands: this is started on nodes where nothing is as it should be.
"""
import sys


def main():
    """
    Examine the node.

    :return: int, process status
    """
    if sys.version_info < (3, 6):
        sys.stderr.write("python %d.%d found in %s, 3.6 or later needed: start me with another python3\n" % (
            tuple(sys.version_info[:2]) + (sys.executable,)))
        return 1
    try:
        from WMCore.WMRuntime.Doctor.DoctorProgram import main as examine
    except Exception as ex:
        sys.stderr.write("The runtime cannot be imported by %s (%s): %s: %s\nIts path is %r; expected a sandbox's "
                         "WMCore.zip on it (PYTHONPATH=WMCore.zip), whole, and attrs and packaging.\n" % (
                             sys.executable, sys.version.split()[0], type(ex).__name__, ex, sys.path))
        return 1
    return examine()


if __name__ == "__main__":
    sys.exit(main())
