"""Python that is copied into a worker node in a box and runs there: the standard library is all it may use."""
