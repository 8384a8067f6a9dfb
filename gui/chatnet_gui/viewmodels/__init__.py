"""What the windows show, as plain state: no tkinter here, so all of it is tested without a display."""
