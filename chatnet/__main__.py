"""``python -m chatnet`` is the same as the command ``chatnet``."""

if __name__ == "__main__":
    # Imported here so that looking at this module, as documentation tools do, does not load the command line.
    from chatnet_cli.main import main

    main()
