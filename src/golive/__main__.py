"""``python -m golive`` is the ``golive`` command."""

from golive.cli.app import main

if __name__ == "__main__":
    main()
