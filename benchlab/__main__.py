"""``python -m benchlab`` is the ``benchlab`` command."""

from benchlab.cli.main import main

if __name__ == "__main__":
    main()
