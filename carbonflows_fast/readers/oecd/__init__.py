"""The OECD's ICIO tables."""

from carbonflows_fast.readers.oecd._find import FORMAT

__all__ = ["FORMAT"]
