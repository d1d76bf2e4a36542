"""Which rows of a table are in money, in which currency, and what factors are in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from carbonflows_fast._base.arrays import BoolArray
from carbonflows_fast._base.wording import MASSES, SAME_MASSES
from carbonflows_fast.classification._currencies import unit_of_money
from carbonflows_fast.errors import InputError, Phrase, shorten

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["Money", "factor_unit", "money_of"]

WORDS = {0: "", 3: "thousand ", 6: "million ", 9: "billion "}
ENERGIES = ("J", "kJ", "MJ", "GJ", "TJ", "PJ", "EJ")


@dataclass(frozen=True, slots=True, eq=False)
class Money:
    """The money of a table.

    Attributes
    ----------
    currency : str
        Of all rows in money.
    powers : ndarray of int, shape (n,)
        A row is in 10 to this power of it.
    known : ndarray of bool, shape (n,)
        Which rows are in money.
    units : tuple of str
        What the units of other rows are.
    """

    currency: str
    powers: npt.NDArray[np.int64]
    known: BoolArray
    units: tuple[str, ...]


def money_of(table: Table) -> Money:
    """Return the currency of a table, and which rows are in money.

    Raises
    ------
    InputError
        If no row has a known unit of money, or if rows have two currencies.
    """
    p = table.content
    units = [unit_of_money(unit) for unit in p.row_units]
    others = tuple(unit or "no unit" for unit, found in zip(p.row_units, units) if not found)
    found = sorted({one[0] for one in units if one})
    if not found:
        raise InputError.about(
            "table",
            expected="rows in a unit of money, e.g. M.EUR",
            got=f"rows in {shorten(others)}",
            remedy=Phrase.in_python("say it with table.with_changes(row_units='M.EUR')"),
        )
    if len(found) > 1:
        raise InputError.about(
            "table",
            expected="rows in one currency",
            got=" and ".join(found),
            remedy="convert its rows to one of them first",
        )
    powers = np.array([one[1] if one else 0 for one in units], dtype=np.int64)
    known = np.array([one is not None for one in units], dtype=np.bool_)
    return Money(found[0], powers[p.row_unit_codes], known[p.row_unit_codes], others)


def factor_unit(unit: str, power: int, currency: Any) -> str:
    """Return what a stressor per 10^power of a currency is in, without changing a number.

    >>> factor_unit("kt CO2-eq", 6, "EUR"), factor_unit("persons", 3, "USD")
    ('kg CO2-eq/EUR', 'persons/thousand USD')
    """
    first, _, rest = unit.partition(" ")
    for ladder in (MASSES, ENERGIES):
        name = SAME_MASSES.get(first, first)
        if name in ladder and ladder.index(name) * 3 >= power:
            smaller = ladder[ladder.index(name) - power // 3]
            return f"{smaller} {rest}".rstrip() + f"/{currency}"
    return f"{unit or '1'}/{WORDS[power]}{currency}"
