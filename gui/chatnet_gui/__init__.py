"""The windows: view models without tkinter, and views without logic."""
