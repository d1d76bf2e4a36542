"""Supply and use tables that MARIO saved, as the pair of industries and products.

MARIO calls the make table S (activities × commodities) and the use table U. Final demand of
commodities is Yc; inputs and emissions of activities are Va and Ea, those of commodities Vc and Ec.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, InputError, passed_on
from carbonflows_fast.readers._into_table._stressor_blocks import (
    PRIMARY_INPUTS,
    StressorBlock,
    read_stressors,
)
from carbonflows_fast.readers._layouts._text import (
    Label,
    TextTable,
    check_once,
    check_same_labels,
)
from carbonflows_fast.readers.mario._levels import (
    ACCOUNTS,
    ACTIVITY,
    CATEGORY,
    COMMODITY,
    Account,
    Units,
    account_block,
)
from carbonflows_fast.readers.mario._parts import Names, Parts
from carbonflows_fast.supply_use import from_supply_use
from carbonflows_fast.table import Table
from carbonflows_fast.table._table import with_notes

__all__ = ["Given", "pair_of", "read_pair"]

SEVERAL_UNITS = (
    "Commodities have several units, so an activity that makes several has a mere sum as output; "
    "multipliers of commodities do not depend on it."
)


class Given(NamedTuple):
    """Supply and use of a activities and p commodities, with labels of three levels.

    Attributes
    ----------
    where : str
        The folder or sheet, for messages.
    S : array or csr_array, shape (a, p)
    U : array or csr_array, shape (p, a)
    Ya, Yc : ndarray, shape (a, m), (p, m)
    activities, commodities, users : sequence of Label
    """

    where: str
    S: Any
    U: Any
    Ya: FloatArray
    Yc: FloatArray
    activities: Sequence[Label]
    commodities: Sequence[Label]
    users: Sequence[Label]


def read_pair(
    where: str,
    parts: Parts,
    units: Units,
    stressors: Sequence[str] | None,
    year: int | None,
    name: str,
) -> Table:
    """Read supply and use tables from one file for each matrix.

    Raises
    ------
    FormatError
        If labels disagree, or as in `pair_of`.
    LabelError
        If a wanted stressor does not exist.
    """
    S = parts.matrix("S", ACTIVITY, COMMODITY, sparse=True)
    U = parts.matrix("U", COMMODITY, ACTIVITY, sparse=True)
    Ya, Yc = (parts.matrix(f"Y{a[0].lower()}", a, CATEGORY) for a in (ACTIVITY, COMMODITY))
    check_once(S.where, "row", S.rows)
    check_once(S.where, "column", S.columns)
    check_once(Yc.where, "column", Yc.columns)
    activities = Names(f"the rows of {S.where}", S.rows)
    commodities = Names(f"the columns of {S.where}", S.columns)
    users = Names(f"the columns of {Yc.where}", Yc.columns)
    _check(U, commodities, activities)
    _check(Ya, activities, users)
    check_same_labels(f"{Yc.where}, rows", Yc.rows, *commodities)
    blocks = [
        _block(parts, account, (activities, commodities, users), units) for account in ACCOUNTS
    ]
    given = Given(where, S.values, U.values, Ya.values, Yc.values, S.rows, S.columns, Yc.columns)
    return pair_of(given, blocks, units, stressors, year, name)


def _check(matrix: TextTable, rows: Names, columns: Names) -> None:
    check_same_labels(f"{matrix.where}, rows", matrix.rows, *rows)
    check_same_labels(f"{matrix.where}, columns", matrix.columns, *columns)


def _block(
    parts: Parts, account: Account, axes: tuple[Names, Names, Names], units: Units
) -> StressorBlock:
    """Return the stressors of an account, of activities and commodities side by side."""
    activities, commodities, users = axes
    names = parts.names(f"{account.flows}a")

    def read(chosen: list[int]) -> tuple[FloatArray, FloatArray | None]:
        both = [
            parts.account(f"{account.flows}{axis}", chosen, names, columns)
            for axis, columns in (("a", activities), ("c", commodities))
        ]
        return np.hstack(both), parts.of_users(account.of_users, chosen, names, users)

    return account_block(account, names.labels, units, read)


def pair_of(
    given: Given,
    blocks: Sequence[StressorBlock],
    units: Units,
    stressors: Sequence[str] | None,
    year: int | None,
    name: str,
) -> Table:
    """Return the pair of industries and products; F of the blocks has those, then these.

    Where commodities have several units, each row of the table has its own.

    Raises
    ------
    FormatError
        If activities sell to final users or commodities have primary inputs, which is no supply
        and use table as others have it; if an activity makes a commodity of another region.
    LabelError
        If a wanted stressor does not exist.
    """
    made = read_stressors(
        blocks, stressors, (len(given.activities) + len(given.commodities), len(given.users))
    )
    F = made.pop("F")
    a = len(given.activities)
    _refuse(given.where, "final demand of commodities alone", "some of activities (Ya)", given.Ya)
    paid = [at for at, extension in enumerate(made["extensions"]) if extension == PRIMARY_INPUTS]
    _refuse(
        given.where, "primary inputs of activities alone", "some of commodities (Vc)", F[paid, a:]
    )
    own = [
        units.of(level, label[2])
        for level, labels in ((ACTIVITY, given.activities), (COMMODITY, given.commodities))
        for label in labels
    ]
    try:
        table = from_supply_use(
            given.S,
            given.U,
            given.Yc,
            F[:, :a],
            model=None,
            industries=_pairs(given.activities),
            products=_pairs(given.commodities),
            demand=_pairs(given.users),
            row_units=own[0] if len(set(own)) == 1 else "",
            year=year,
            name=name,
            **made,
        )
    except InputError as error:
        raise passed_on(error, FormatError, f"{given.where}: {error.argument}") from error
    return _completed(table, given, F, own)


def _refuse(where: str, expected: str, got: str, values: FloatArray) -> None:
    if values.any():
        raise FormatError.about(
            where,
            expected=expected,
            got=f"{got}, {np.abs(values).sum():.6g} without signs",
            remedy="make an input-output table in MARIO, database.to_iot('B') by products or 'D' "
            "by industries, and save that",
        )


def _completed(table: Table, given: Given, F: FloatArray, units: Sequence[str]) -> Table:
    """Return the table with what commodities emit, and with several units."""
    mixed, emitted = len(set(units)) > 1, F[:, len(given.activities) :].any()
    if not (mixed or emitted):
        return table
    rows = _rows(table, given)
    order = np.argsort(rows)  # of activities, then commodities, by row
    changes: dict[str, Any] = {}
    if emitted:
        changes["F"] = F[:, order]
    if mixed:
        changes["row_units"] = [units[at] for at in order]
        table = with_notes(table, SEVERAL_UNITS)
    return table.with_changes(**changes)


def _rows(table: Table, given: Given) -> list[int]:
    """Return the row of each activity, then of each commodity."""
    names = [{item for _, _, item in labels} for labels in (given.activities, given.commodities)]
    told = ("", "") if names[0].isdisjoint(names[1]) else (" (industry)", " (product)")
    place = {pair: at for at, pair in enumerate(table.rows)}
    return [
        place[region, f"{item}{mark}"]
        for labels, mark in zip((given.activities, given.commodities), told, strict=True)
        for region, _, item in labels
    ]


def _pairs(labels: Sequence[Label]) -> list[tuple[str, str]]:
    return [(region, item) for region, _, item in labels]
