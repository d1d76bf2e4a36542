"""Conversion from and to pymrio systems, and their accounts without an inverse."""

from carbonflows_fast.pymrio_bridge._calc_all import calc_all
from carbonflows_fast.pymrio_bridge._tables import from_pymrio, to_pymrio

__all__ = ["calc_all", "from_pymrio", "to_pymrio"]
