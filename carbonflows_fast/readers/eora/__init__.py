"""Eora26 and full Eora."""

from carbonflows_fast.readers.eora._read import (
    LOOKED_FOR,
    LOOKED_FOR_26,
    find_eora,
    find_eora26,
    read_eora,
    read_eora26,
)

__all__ = [
    "LOOKED_FOR",
    "LOOKED_FOR_26",
    "find_eora",
    "find_eora26",
    "read_eora",
    "read_eora26",
]
