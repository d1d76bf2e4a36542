"""One country and what it trades with the world, as a table of two regions."""

from carbonflows_fast.table._national._two_regions import national

__all__ = ["national"]
