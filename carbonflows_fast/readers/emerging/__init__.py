"""EMERGING, a table of 245 economies."""

from carbonflows_fast.readers.emerging._find import FORMAT

__all__ = ["FORMAT"]
