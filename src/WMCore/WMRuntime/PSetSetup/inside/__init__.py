"""
The program that runs a plan of PSet tools, inside a python of the release.

It is laid into the step's directory, and runs there by python 2.7 or any 3.x with its standard library only.
"""
