"""What if: sectors taken out, changes by a list, and capital as an input."""

from carbonflows_fast.shocks._capital import with_capital
from carbonflows_fast.shocks._extraction import extraction
from carbonflows_fast.shocks._scenario import scenario

__all__ = ["extraction", "scenario", "with_capital"]
