"""What the stand-ins of the worker node in a box run. Works on python 2.7 and 3.6+, needs the standard library only."""
