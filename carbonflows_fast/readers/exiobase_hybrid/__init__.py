"""Hybrid EXIOBASE: tonnes, terajoules and money in one table of 48 regions."""

from carbonflows_fast.readers.exiobase_hybrid._find import FORMAT

__all__ = ["FORMAT"]
