"""Whether what a report is about fits together: years, another table, given results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from carbonflows_fast.decomposition._comparable import aligned
from carbonflows_fast.errors import InputError, LabelError
from carbonflows_fast.prices import PriceEffects
from carbonflows_fast.table import Table
from carbonflows_fast.table._selection import select_stressor
from carbonflows_fast.table._stressors import require_same_stressor

if TYPE_CHECKING:
    from carbonflows_fast.spending import Purchases

__all__ = ["alike", "comparable", "names_of", "require_same"]


def names_of(table: Table, since: Table) -> tuple[str, str]:
    """Return names that distinguish two tables in a sentence, the other one first.

    >>> import carbonflows_fast as cf
    >>> tables = [cf.synthetic.world(2, 2, year=year) for year in (2009, 2005)]
    >>> names_of(*tables), names_of(tables[0], tables[0])
    (('2005', '2009'), ('the other table', 'this table'))
    """
    for now, then in ((table.year, since.year), (table.name, since.name)):
        if now != then and None not in (now, then) and now and then:
            return str(then), str(now)
    return "the other table", "this table"


def alike(table: Table, other: Table, year: int, stressor: Any) -> None:
    """Refuse a year of a panel that has not the stressor of the table.

    Raises
    ------
    InputError
        Naming the year.
    """
    here = select_stressor(table, stressor)
    try:
        select_stressor(other, stressor)
    except LabelError as error:
        raise InputError.about(
            "table",
            expected=f"a panel with {here.name!r} in every year",
            got=f"{year} without it",
            remedy="report years of one kind, or name it alike",
        ) from error


def comparable(table: Table, since: Table, stressor: Any) -> Table:
    """Return `since` with rows and consumers in the order of `table`.

    Raises
    ------
    InputError
        If it is the same table, or units differ.
    LabelError
        If it has not the same rows, consumers and stressor.
    """
    then, now = names_of(table, since)
    then, now = (f"the table of {one}" if one.isdecimal() else one for one in (then, now))
    if since is table or since.equals(table):
        raise InputError.about(
            "since",
            expected="another table than the one that is reported",
            got="the same",
            remedy="give that of another year, or leave it out",
        )
    here = select_stressor(table, stressor)
    try:
        there = select_stressor(since, stressor)
    except LabelError as error:
        raise LabelError.about(
            "since",
            expected=f"a table with {here.name!r}, which {now} has",
            got=f"{then} without it",
            remedy=error.remedy,
        ) from error
    require_same_stressor(here, there, "since", (now, then))
    return aligned(table, since, "since", (now, then))


def require_same(table: Table, stressor: Any, **given: Purchases | PriceEffects | None) -> None:
    """Refuse results about another stressor, or of a table with other regions.

    Raises
    ------
    InputError
        Naming the argument.
    """
    wanted = select_stressor(table, stressor).name
    for argument, found in given.items():
        if found is None:
            continue
        frame = found.flow if isinstance(found, PriceEffects) else found.by_emitter
        if found.stressor != wanted:
            expected, got = f"a result about {wanted!r}", repr(found.stressor)
        elif tuple(frame.columns) != table.regions:
            expected, got = "a result of the table of the report", "one of another table"
        else:
            continue
        remedy = "ask it of this table and stressor"
        raise InputError.about(argument, expected=expected, got=got, remedy=remedy)
