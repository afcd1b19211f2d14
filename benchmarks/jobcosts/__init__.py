"""What startup.py measures with: the job is watched from outside, in the same way under both runtimes."""
