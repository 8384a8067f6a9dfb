"""The event loop and what it drives: peers, timers and the dispatcher between core, store and connections."""
