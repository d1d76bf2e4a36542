"""Eurostat's FIGARO."""

from carbonflows_fast.readers.figaro._read import LOOKED_FOR, find_figaro, read_figaro

__all__ = ["LOOKED_FOR", "find_figaro", "read_figaro"]
