"""GLORIA."""

from carbonflows_fast.readers.gloria._read import FORMAT

__all__ = ["FORMAT"]
