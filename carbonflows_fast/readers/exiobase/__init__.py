"""EXIOBASE 3 and what pymrio saves: read and written."""

from carbonflows_fast.readers.exiobase._read import FORMAT
from carbonflows_fast.readers.exiobase._write import write_exiobase

__all__ = ["FORMAT", "write_exiobase"]
