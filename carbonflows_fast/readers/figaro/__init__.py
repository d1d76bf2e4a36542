"""Eurostat's FIGARO."""

from carbonflows_fast.readers.figaro._read import FORMAT

__all__ = ["FORMAT"]
