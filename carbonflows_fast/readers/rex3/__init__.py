"""REX3, EXIOBASE resolved to 189 countries."""

from carbonflows_fast.readers.rex3._find import FORMAT

__all__ = ["FORMAT"]
