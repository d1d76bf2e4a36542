"""The OECD's ICIO tables."""

from carbonflows_fast.readers.oecd._read import LOOKED_FOR, find_oecd, read_oecd

__all__ = ["LOOKED_FOR", "find_oecd", "read_oecd"]
