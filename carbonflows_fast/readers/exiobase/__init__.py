"""EXIOBASE 3 and what pymrio saves: read and written."""

from carbonflows_fast.readers.exiobase._read import FORMAT, write_exiobase

__all__ = ["FORMAT", "write_exiobase"]
