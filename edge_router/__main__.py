"""`python -m edge_router` is the command `edge-router`."""

from edge_router.cli import main

if __name__ == "__main__":
    main()
