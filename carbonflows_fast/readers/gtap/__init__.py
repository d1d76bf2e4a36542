"""GTAP: a table between regions, made of its accounts as header array files or records."""

from carbonflows_fast.readers.gtap._find import FORMAT

__all__ = ["FORMAT"]
