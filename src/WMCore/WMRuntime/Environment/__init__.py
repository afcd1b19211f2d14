"""Where python, libraries and environment variables of a process come from."""
