"""What MARIO calls the levels of its labels, its accounts, and the units of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._into_table._stressor_blocks import PRIMARY_INPUTS, StressorBlock
from carbonflows_fast.readers._into_table._stressor_names import join_levels
from carbonflows_fast.readers._layouts._text import Label, show

__all__ = [
    "ACCOUNTS",
    "ACTIVITY",
    "CATEGORY",
    "COMMODITY",
    "FACTOR",
    "SATELLITE",
    "SAVE_ANEW",
    "SECTOR",
    "UNITS",
    "Account",
    "Units",
    "account_block",
    "no_coefficients",
]

SECTOR, CATEGORY = "Sector", "Consumption category"
FACTOR, SATELLITE = "Factor of production", "Satellite account"
ACTIVITY, COMMODITY = "Activity", "Commodity"  # of supply and use, in the place of sectors
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


def no_coefficients(where: str) -> FormatError:
    """Return the error for supply and use tables without flows."""
    return FormatError.about(
        where,
        expected="supply and use tables of MARIO as flows",
        got="coefficients alone",
        remedy="save it anew with MARIO's flows=True",
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


def account_block(
    account: Account,
    labels: Sequence[Label],
    units: Units,
    read: Callable[[list[int]], tuple[FloatArray, FloatArray | None]],
) -> StressorBlock:
    """Return the stressors of an account, named by all levels of their labels."""
    return StressorBlock(
        [join_levels(label) for label in labels],
        [account.extension] * len(labels),
        [units.of(account.level, label[-1]) for label in labels],
        read,
    )
