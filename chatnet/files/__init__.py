"""The content of files, on disk, by its SHA-256."""
