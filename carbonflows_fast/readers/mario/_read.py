"""Reads an input-output table that MARIO saved by `to_txt`, `to_parquet` or `to_excel`.

One file for each matrix: Z, Y, V, E, EY, VY and X of flows, or z, Y, v, e, EY and VY of
coefficients. Labels have three levels, Region, Level ("Sector") and Item. Tried on what mariopy
1.3.2 writes.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._assemble import table_from
from carbonflows_fast.readers._into_table._stressor_blocks import StressorBlock, read_stressors
from carbonflows_fast.readers._into_table._stressor_names import join_levels
from carbonflows_fast.readers._layouts._csv_frame import open_frame
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
from carbonflows_fast.readers.mario._find import home_of, saved
from carbonflows_fast.readers.mario._levels import (
    ACCOUNTS,
    CATEGORY,
    FACTOR,
    SATELLITE,
    SAVE_ANEW,
    SECTOR,
    UNITS,
    Account,
    Units,
    supply_and_use,
)
from carbonflows_fast.readers.mario._workbook import read_workbook
from carbonflows_fast.table import Table

__all__ = ["read_mario"]

logger = logging.getLogger(__name__)


def read_mario(
    files: Files, table: Candidate, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read a table of flows, or of coefficients, whose output is solved when first asked for.

    V and VY become stressors in the extension "primary inputs", E and EY in "satellite account".
    Units are looked up by label, because `units` may have another order than the matrices. A level
    of regions in the rows of V or E is joined to the name with " | ".

    Raises
    ------
    FormatError
        If the folder holds supply and use tables or records, if a file is missing or damaged, a
        number or a label is wrong, or labels disagree.
    LabelError
        If a wanted stressor does not exist.
    """
    if table.name in files:
        return read_workbook(files, table, stressors, progress)
    folder = files.below(table.name)
    suffix, flows = _kind(files, table.name)
    home, title = home_of(files, table.name)
    title = _own_name(files, home) or title
    with reading(folder, list(folder.sizes), progress, title) as counted:
        parts = _Parts(folder, counted, suffix)
        units = parts.units()
        matrix = parts.matrix("Z" if flows else "z", SECTOR, SECTOR, sparse=True)
        Y = parts.matrix("Y", SECTOR, CATEGORY)
        rows = matrix.rows
        check_same_labels(f"{matrix.where}, columns", matrix.columns, "its rows", rows)
        check_same_labels(f"{Y.where}, rows", Y.rows, f"the rows of {matrix.where}", rows)
        check_once(matrix.where, "row", rows)
        check_once(Y.where, "column", Y.columns)
        blocks = [_block(parts, account, flows, matrix, Y, units) for account in ACCOUNTS]
        arguments = read_stressors(blocks, stressors, Y.values.shape, "F" if flows else "S")
        return table_from(
            folder.where(""),
            **{"Z" if flows else "A": matrix.values},
            x=parts.output(matrix) if flows else None,
            Y=Y.values,
            regions=[region for region, _, _ in rows],
            sectors=[sector for _, _, sector in rows],
            demand=[(region, category) for region, _, category in Y.columns],
            row_units=[units.of(SECTOR, sector) for _, _, sector in rows],
            year=table.year,
            name=title,
            **arguments,
        )


def _kind(files: Files, root: str) -> tuple[str, bool]:
    """Return the suffix of all files, and whether they are flows."""
    found = saved(files, root)
    folder = files.below(root)
    if found is None or found.kind == "part":
        raise FormatError.about(
            folder.where(""),
            expected="the files Z, Y, V, E and units of MARIO, or z, Y, v, e and units",
            got=shorten(sorted(folder.sizes), 9) or "nothing",
            remedy=SAVE_ANEW,
        )
    if found.kind == "supply and use":
        raise supply_and_use(folder.where(""))
    if found.kind == "flat":
        raise FormatError.about(
            folder.where(""),
            expected="one file for each matrix, as MARIO saves",
            got=f"records (data{found.suffix})",
            remedy="save it anew with MARIO's flat=False",
        )
    return found.suffix, found.kind == "flows"


def _own_name(files: Files, home: str | None) -> str:
    """Return the name of a table in MARIO's notes."""
    name = None if home is None else files.json(f"{home}metadata.json").get("name")
    return name.strip() if isinstance(name, str) else ""


# --- matrices ---------------------------------------------------------------------------------


class _Names(NamedTuple):
    """Labels, and how errors call them."""

    where: str
    labels: Sequence[Label]


class _Parts:
    """The files of a folder, opened by the name of what they hold."""

    def __init__(self, folder: Files, counted: Files, suffix: str) -> None:
        self._folder, self._counted, self._suffix = folder, counted, suffix

    def there(self, key: str) -> bool:
        return f"{key}{self._suffix}" in self._folder

    def opened(self, key: str, header_lines: int, *, count: bool = True) -> Any:
        files = self._counted if count else self._folder
        single = ("item", FACTOR.lower(), SATELLITE.lower())
        return open_frame(files, f"{key}{self._suffix}", header_lines, single)

    def units(self) -> Units:
        with self.opened(UNITS, 1) as frame:
            labels, texts = frame.texts(gaps=True)
            return Units(frame.where, labels, texts)

    def matrix(self, key: str, rows: str, columns: str, *, sparse: bool = False) -> TextTable:
        """Return a matrix whose labels have three levels; `rows` and `columns` are the second."""
        with self.opened(key, 3) as frame:
            _check_depth(frame, 3, 3)
            matrix: TextTable = frame.matrix(sparse=sparse)
        _check_level(f"{matrix.where}, rows", matrix.rows, rows)
        _check_level(f"{matrix.where}, columns", matrix.columns, columns)
        return matrix

    def names(self, key: str) -> _Names:
        """Return the labels of rows of an account, without its numbers."""
        with self.opened(key, 3, count=False) as frame:
            _check_depth(frame, None, 3)
            labels = frame.matrix(keep=lambda label: False).rows
            check_once(frame.where, "row", labels)
            return _Names(f"the rows of {frame.where}", labels)

    def account(
        self, key: str, chosen: Sequence[int], names: _Names, columns: _Names
    ) -> FloatArray:
        """Return rows of an account, by position, if its labels are those of other files."""
        wanted = {names.labels[at] for at in chosen}
        with self.opened(key, 3) as frame:
            _check_depth(frame, None, 3)
            account = frame.matrix(keep=wanted.__contains__, most_rows=len(names.labels))
        where = account.where
        check_same_labels(f"{where}, columns", account.columns, columns.where, columns.labels)
        check_same_labels(f"{where}, rows", account.rows, names.where, names.labels)
        values: FloatArray = account.values
        return values

    def output(self, matrix: TextTable) -> FloatArray | None:
        """Return X, None if it was not saved."""
        if not self.there("X"):
            return None
        with self.opened("X", 1) as frame:
            _check_depth(frame, 3, 1)
            output = frame.matrix(most_rows=len(matrix.rows))
        reference = f"the rows of {matrix.where}"
        check_same_labels(f"{output.where}, rows", output.rows, reference, matrix.rows)
        values: FloatArray = output.values[:, 0]
        return values


def _block(
    parts: _Parts, account: Account, flows: bool, matrix: TextTable, Y: TextTable, units: Units
) -> StressorBlock:
    """Return the stressors of an account; direct ones of final users belong to them."""
    key = account.flows if flows else account.coefficients
    names = parts.names(key)
    sectors = _Names(f"the rows of {matrix.where}", matrix.rows)
    users = _Names(f"the columns of {Y.where}", Y.columns)

    def read(chosen: list[int]) -> tuple[FloatArray, FloatArray | None]:
        values = parts.account(key, chosen, names, sectors)
        if not parts.there(account.of_users):
            logger.warning(
                "%s: no %s beside it; final users have none", names.where, account.of_users
            )
            return values, None
        return values, parts.account(account.of_users, chosen, names, users)

    return StressorBlock(
        [join_levels(label) for label in names.labels],
        [account.extension] * len(names.labels),
        [units.of(account.level, label[-1]) for label in names.labels],
        read,
    )


def _check_depth(frame: Any, rows: int | None, columns: int) -> None:
    """Raise unless labels have as many levels as MARIO writes; None: any number."""
    for what, names, expected in (("rows", frame.index, rows), ("columns", frame.levels, columns)):
        if expected is not None and len(names) != expected:
            raise FormatError.about(
                f"{frame.where}, labels of {what}",
                expected=f"{expected} level(s), as MARIO writes them",
                got=f"{len(names)}",
                remedy=SAVE_ANEW,
            )


def _check_level(where: str, labels: Sequence[Label], level: str) -> None:
    for label in labels:
        if label[1] != level:
            raise FormatError.about(
                f"{where}, {show(label)}",
                expected=f"the level {level!r}, as in MARIO's input-output tables",
                got=repr(label[1])[:80],
                remedy=SAVE_ANEW,
            )
