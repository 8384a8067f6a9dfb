"""Ways to carry bytes, one module each; `registry` finds them by the scheme of an address."""
