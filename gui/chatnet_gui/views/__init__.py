"""The windows themselves: they show a view model and hand it what the user does; nothing is decided here."""
