"""Tables: checked once, shown as labelled frames, selected from, aggregated."""

from carbonflows_fast.table._national import national
from carbonflows_fast.table._table import Table

__all__ = ["Table", "national"]
