"""Eurostat's FIGARO."""

from carbonflows_fast.readers.figaro._find import FORMAT

__all__ = ["FORMAT"]
