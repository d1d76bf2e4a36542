"""Accounts and footprints: production, consumption and trade of every region."""

from carbonflows_fast.accounting._accounts import Footprints, accounts, footprints, multipliers

__all__ = ["Footprints", "accounts", "footprints", "multipliers"]
