"""What a worker node is like, whether a job could run on it, and what to mend: the first thing support asks for."""
