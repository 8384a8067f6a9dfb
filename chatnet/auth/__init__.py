"""Who may be who: rules for names, guests' secrets, passwords, join codes and tokens. No I/O."""
