"""GLORIA."""

from carbonflows_fast.readers.gloria._find import FORMAT

__all__ = ["FORMAT"]
