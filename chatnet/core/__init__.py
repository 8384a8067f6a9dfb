"""The chat itself: who is there, who may say what, who hears it. No I/O, no clock, no chance of its own."""
