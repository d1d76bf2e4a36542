"""USEEIO models and their relatives, as JSON and as workbooks."""

from carbonflows_fast.readers.useeio._find import FORMAT

__all__ = ["FORMAT"]
