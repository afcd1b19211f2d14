"""The wmruntime command line."""
