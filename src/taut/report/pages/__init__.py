"""One HTML page a file."""
