"""Money into emissions: factors per unit spent, and what a firm or a city bought."""

from carbonflows_fast.spending._factors import factors
from carbonflows_fast.spending._purchases import purchases
from carbonflows_fast.spending._read_margins import margins
from carbonflows_fast.spending._result import Purchases

__all__ = ["Purchases", "factors", "margins", "purchases"]
