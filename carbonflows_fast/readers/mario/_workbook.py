"""Reads an input-output table that MARIO saved by `to_excel`: all matrices in one sheet.

Rows are sectors, factors of production and satellite accounts, columns sectors and categories of
consumption; the second of three levels of labels tells which.
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
from carbonflows_fast.readers._layouts._text import Label, TextTable, check_once, check_same_labels
from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._progress import reading
from carbonflows_fast.readers.mario._find import SHEETS
from carbonflows_fast.readers.mario._levels import (
    ACCOUNTS,
    CATEGORY,
    SAVE_ANEW,
    SECTOR,
    SUPPLY_USE,
    UNITS,
    Account,
    Units,
    supply_and_use,
)
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
    rows, users = _places(whole.rows, SECTOR), _places(whole.columns, CATEGORY)
    columns = _places(whole.columns, SECTOR)
    _check(whole, rows, columns)
    labels = [whole.rows[at] for at in rows]
    demand = [(whole.columns[at][0], whole.columns[at][2]) for at in users]
    flows = sheet == SHEETS[0]
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


def _places(labels: Sequence[Label], level: str) -> list[int]:
    return [at for at, label in enumerate(labels) if label[1] == level]


def _check(whole: TextTable, rows: Sequence[int], columns: Sequence[int]) -> None:
    """Raise unless rows and columns are those of an input-output table, once, and agree."""
    there = {label[1] for label in (*whole.rows, *whole.columns)}
    if there & SUPPLY_USE:
        raise supply_and_use(whole.where)
    known = {SECTOR, CATEGORY, *(account.level for account in ACCOUNTS)}
    if odd := sorted(there - known):
        raise FormatError.about(
            f"{whole.where}, second level of labels",
            expected=shorten(sorted(known)),
            got=shorten(map(repr, odd)),
            remedy=SAVE_ANEW,
        )
    check_once(whole.where, "row", whole.rows)
    check_once(whole.where, "column", whole.columns)
    sectors = [whole.rows[at] for at in rows]
    across = [whole.columns[at] for at in columns]
    check_same_labels(f"{whole.where}, columns", across, "its rows", sectors)


def _block(
    whole: TextTable, account: Account, columns: list[int], users: list[int], units: Units
) -> StressorBlock:
    rows = _places(whole.rows, account.level)
    names = [whole.rows[at][2] for at in rows]

    def read(chosen: list[int]) -> tuple[FloatArray, FloatArray]:
        values: FloatArray = whole.values[[rows[at] for at in chosen]]
        return values[:, columns], values[:, users]

    return StressorBlock(
        names,
        [account.extension] * len(names),
        [units.of(account.level, name) for name in names],
        read,
    )
