"""``python -m chatnet_cli``: the same as ``chatnet``."""

from chatnet_cli.main import main

if __name__ == "__main__":
    main()
