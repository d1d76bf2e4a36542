"""EXIOBASE 3 and what pymrio saves: read and written."""

from carbonflows_fast.readers.exiobase._read import (
    LOOKED_FOR,
    find_exiobase,
    read_exiobase,
    write_exiobase,
)

__all__ = ["LOOKED_FOR", "find_exiobase", "read_exiobase", "write_exiobase"]
