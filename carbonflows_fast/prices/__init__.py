"""What a price on emissions does to the prices of goods, and who pays it."""

from carbonflows_fast.prices._carbon_price import PriceEffects, carbon_price

__all__ = ["PriceEffects", "carbon_price"]
