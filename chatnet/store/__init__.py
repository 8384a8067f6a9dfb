"""Places where messages are kept, one module each."""
