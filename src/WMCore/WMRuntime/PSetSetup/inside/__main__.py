"""Start the program: `python <directory of this file> <arguments of Program.main>`."""
import importlib
import os
import sys

if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[0] = os.path.dirname(here)
    sys.exit(importlib.import_module(os.path.basename(here) + ".Program").main(*sys.argv[1:]))
