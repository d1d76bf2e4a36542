"""The OECD's ICIO tables."""

from carbonflows_fast.readers.oecd._read import FORMAT

__all__ = ["FORMAT"]
