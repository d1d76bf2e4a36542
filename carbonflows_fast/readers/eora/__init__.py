"""Eora26 and full Eora."""

from carbonflows_fast.readers.eora._find import FORMAT, FORMAT_26

__all__ = ["FORMAT", "FORMAT_26"]
