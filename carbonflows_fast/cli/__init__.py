"""The command line, `carbonflows-fast`."""

from carbonflows_fast.cli._main import main

__all__ = ["main"]
