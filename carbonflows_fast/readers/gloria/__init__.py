"""GLORIA."""

from carbonflows_fast.readers.gloria._read import LOOKED_FOR, find_gloria, read_gloria

__all__ = ["LOOKED_FOR", "find_gloria", "read_gloria"]
