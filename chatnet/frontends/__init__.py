"""Protocols that clients speak to the server, one module each."""
