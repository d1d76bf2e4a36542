"""The other table of a report: one that can be compared with it, in the same order."""

from __future__ import annotations

from typing import Any

from carbonflows_fast.decomposition._comparable import aligned
from carbonflows_fast.errors import InputError, LabelError, wrong
from carbonflows_fast.table import Table
from carbonflows_fast.table._selection import select_stressor
from carbonflows_fast.table._stressors import require_same_stressor

__all__ = ["alike", "comparable", "names_of"]


def names_of(table: Table, since: Table) -> tuple[str, str]:
    """Return what tells two tables apart in a sentence, the other one first.

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
        raise InputError(
            wrong("table", expected=f"a panel with {here.name!r} in every year",
                  got=f"{year} without it", remedy="report years of one kind, or name it alike")
        ) from error  # fmt: skip


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
        raise InputError(
            wrong("since", expected="another table than the one that is reported", got="the same",
                  remedy="give that of another year, or leave it out")
        )  # fmt: skip
    here = select_stressor(table, stressor)
    try:
        there = select_stressor(since, stressor)
    except LabelError as error:
        raise LabelError(
            wrong("since", expected=f"a table with {here.name!r}, which {now} has",
                  got=f"{then} without it", remedy=str(error).rpartition("; ")[2])
        ) from error  # fmt: skip
    require_same_stressor(here, there, "since", (now, then))
    return aligned(table, since, "since", (now, then))
