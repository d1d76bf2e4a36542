"""What MARIO calls the levels of its labels, its accounts, and the units of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._into_table._stressor_blocks import PRIMARY_INPUTS
from carbonflows_fast.readers._layouts._text import Label, show

__all__ = [
    "ACCOUNTS",
    "CATEGORY",
    "FACTOR",
    "SATELLITE",
    "SAVE_ANEW",
    "SECTOR",
    "SUPPLY_USE",
    "UNITS",
    "Account",
    "Units",
    "supply_and_use",
]

SECTOR, CATEGORY = "Sector", "Consumption category"
FACTOR, SATELLITE = "Factor of production", "Satellite account"
SUPPLY_USE = {"Activity", "Commodity"}  # in the place of sectors
SATELLITES = "satellite account"  # the extension
UNITS = "units"
SAVE_ANEW = "save it anew with MARIO"


class Account(NamedTuple):
    """A matrix of inputs or emissions: its files, its extension, and its level in the units."""

    flows: str
    coefficients: str
    of_users: str
    extension: str
    level: str


ACCOUNTS = (
    Account("V", "v", "VY", PRIMARY_INPUTS, FACTOR),
    Account("E", "e", "EY", SATELLITES, SATELLITE),
)


def supply_and_use(where: str) -> FormatError:
    """Return the error for supply and use tables."""
    return FormatError.about(
        where,
        expected="an input-output table of MARIO",
        got="supply and use tables",
        remedy="make one in MARIO, database.to_iot('B') by products or 'D' by industries, and "
        "save that",
    )


class Units:
    """The units of sectors, factors and satellite accounts, by label."""

    def __init__(self, where: str, labels: Sequence[Label], texts: Sequence[str]) -> None:
        self.where = where
        self._unit = dict(zip(labels, texts, strict=True))
        for label, text in zip(labels, texts, strict=True):
            if len(label) != 2 or self._unit[label] != text:
                raise FormatError.about(
                    f"{where}, row {show(label)}",
                    expected="two labels, Level and Item, and one unit for them",
                    got=f"{len(label)} label(s)" if len(label) != 2 else "several units",
                    remedy=SAVE_ANEW,
                )

    def of(self, level: str, item: str) -> str:
        """Return a unit.

        Raises
        ------
        FormatError
            If there is none.
        """
        unit = self._unit.get((level, item))
        if unit is None:
            raise FormatError.about(
                self.where,
                expected=f"a unit for {level} {item!r}",
                got=f"none in {len(self._unit)} rows",
                remedy=SAVE_ANEW,
            )
        return "" if unit == "None" else unit  # what MARIO writes where it knows none
