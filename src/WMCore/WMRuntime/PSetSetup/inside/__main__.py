"""Start the program: `python <directory of this file> <arguments of Program.main>`."""
import os
import sys

if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[0] = os.path.dirname(here)
    # By its name, whatever the directory is called; python 2.6 has no importlib.
    program = os.path.basename(here) + ".Program"
    __import__(program)
    sys.exit(sys.modules[program].main(*sys.argv[1:]))
