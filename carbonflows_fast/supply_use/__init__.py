"""Supply and use tables: made square by one of four models, or solved as the pair they are."""

from carbonflows_fast.supply_use._from_supply_use import from_supply_use

__all__ = ["from_supply_use"]
