"""Reads a table that MARIO saved by `to_excel`: all matrices in one sheet.

Rows are sectors (or commodities and activities), factors of production and satellite accounts,
columns sectors and categories of consumption; the second of three levels of labels tells which.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._assemble import table_from
from carbonflows_fast.readers._into_table._stressor_blocks import StressorBlock, read_stressors
from carbonflows_fast.readers._layouts._sheet_frame import SheetFrame
from carbonflows_fast.readers._layouts._sheets import Workbook
from carbonflows_fast.readers._layouts._text import (
    Label,
    TextTable,
    check_once,
    check_same_labels,
    show,
)
from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._progress import reading
from carbonflows_fast.readers.mario._find import SHEETS
from carbonflows_fast.readers.mario._levels import (
    ACCOUNTS,
    ACTIVITY,
    CATEGORY,
    COMMODITY,
    SAVE_ANEW,
    SECTOR,
    UNITS,
    Account,
    Units,
    account_block,
    no_coefficients,
)
from carbonflows_fast.readers.mario._supply_use import Given, pair_of
from carbonflows_fast.table import Table

__all__ = ["read_workbook"]


def read_workbook(
    files: Files, table: Candidate, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read the sheet of flows, or where there is none that of coefficients."""
    title = PurePosixPath(table.name).stem
    with reading(files, [table.name], progress, title) as counted:
        book = Workbook(counted, table.name)
        sheet = next((name for name in SHEETS if name in book.names), SHEETS[0])
        units = Units(book.where(UNITS), *SheetFrame(book, UNITS, 1, 2).texts(gaps=True))
        whole = SheetFrame(book, sheet, 3, 3).matrix()
    users, flows = _places(whole.columns, CATEGORY), sheet == SHEETS[0]
    if not {SECTOR}.intersection(label[1] for label in (*whole.rows, *whole.columns)):
        if not flows:
            raise no_coefficients(whole.where)
        return _pair(whole, users, units, stressors, table.year, title)
    rows, columns = _axis(whole, SECTOR)
    _check(whole, [SECTOR])
    labels = [whole.rows[at] for at in rows]
    demand = [(whole.columns[at][0], whole.columns[at][2]) for at in users]
    blocks = [_block(whole, account, columns, users, units) for account in ACCOUNTS]
    return table_from(
        whole.where,
        **{"Z" if flows else "A": whole.values[np.ix_(rows, columns)]},
        Y=whole.values[np.ix_(rows, users)],
        regions=[region for region, _, _ in labels],
        sectors=[sector for _, _, sector in labels],
        demand=demand,
        row_units=[units.of(SECTOR, sector) for _, _, sector in labels],
        year=table.year,
        name=title,
        **read_stressors(blocks, stressors, (len(rows), len(users)), "F" if flows else "S"),
    )


def _pair(
    whole: TextTable,
    users: list[int],
    units: Units,
    stressors: Sequence[str] | None,
    year: int | None,
    title: str,
) -> Table:
    """Return the table of a sheet of supply and use, whose other two blocks are empty."""
    _check(whole, [ACTIVITY, COMMODITY])
    (makers, users_of), (products, made) = (_axis(whole, level) for level in (ACTIVITY, COMMODITY))
    for rows, columns in ((makers, users_of), (products, made)):
        if whole.values[np.ix_(rows, columns)].any():
            raise FormatError.about(
                whole.where,
                expected="activities that make commodities, and use them",
                got=f"numbers between two of one kind ({show(whole.rows[rows[0]])} …)",
                remedy=SAVE_ANEW,
            )
    given = Given(
        whole.where,
        whole.values[np.ix_(makers, made)],
        whole.values[np.ix_(products, users_of)],
        whole.values[np.ix_(makers, users)],
        whole.values[np.ix_(products, users)],
        [whole.rows[at] for at in makers],
        [whole.rows[at] for at in products],
        [whole.columns[at] for at in users],
    )
    blocks = [_block(whole, account, users_of + made, users, units) for account in ACCOUNTS]
    return pair_of(given, blocks, units, stressors, year, title)


def _places(labels: Sequence[Label], level: str) -> list[int]:
    return [at for at, label in enumerate(labels) if label[1] == level]


def _axis(whole: TextTable, level: str) -> tuple[list[int], list[int]]:
    """Return the rows and the columns of a level."""
    return _places(whole.rows, level), _places(whole.columns, level)


def _check(whole: TextTable, levels: Sequence[str]) -> None:
    """Raise unless rows and columns are those of levels or accounts, once, and agree."""
    there = {label[1] for label in (*whole.rows, *whole.columns)}
    known = {*levels, CATEGORY, *(account.level for account in ACCOUNTS)}
    if odd := sorted(there - known):
        raise FormatError.about(
            f"{whole.where}, second level of labels",
            expected=shorten(sorted(known)),
            got=shorten(map(repr, odd)),
            remedy=SAVE_ANEW,
        )
    check_once(whole.where, "row", whole.rows)
    check_once(whole.where, "column", whole.columns)
    for level in levels:
        rows, columns = _axis(whole, level)
        across = [whole.columns[at] for at in columns]
        labels = [whole.rows[at] for at in rows]
        check_same_labels(f"{whole.where}, columns", across, "its rows", labels)


def _block(
    whole: TextTable, account: Account, columns: list[int], users: list[int], units: Units
) -> StressorBlock:
    rows = _places(whole.rows, account.level)

    def read(chosen: list[int]) -> tuple[FloatArray, FloatArray]:
        values: FloatArray = whole.values[[rows[at] for at in chosen]]
        return values[:, columns], values[:, users]

    return account_block(account, [(whole.rows[at][2],) for at in rows], units, read)
