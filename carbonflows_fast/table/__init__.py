"""Tables: what is given, checked once, seen as labelled frames, and selected from."""

from carbonflows_fast.table._table import Table

__all__ = ["Table"]
