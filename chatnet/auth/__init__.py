"""Who may be who: rules for names, and guests' secrets. No I/O."""
