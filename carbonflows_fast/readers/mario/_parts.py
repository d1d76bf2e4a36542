"""The files of a folder that MARIO saved, opened by the name of what they hold."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._layouts._csv_frame import open_frame
from carbonflows_fast.readers._layouts._text import (
    Label,
    TextTable,
    check_once,
    check_same_labels,
    show,
)
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers.mario._levels import FACTOR, SATELLITE, SAVE_ANEW, UNITS, Units

__all__ = ["Names", "Parts"]

logger = logging.getLogger(__name__)


class Names(NamedTuple):
    """Labels, and how errors call them."""

    where: str
    labels: Sequence[Label]


class Parts:
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

    def names(self, key: str) -> Names:
        """Return the labels of rows of an account, without its numbers."""
        with self.opened(key, 3, count=False) as frame:
            _check_depth(frame, None, 3)
            labels = frame.matrix(keep=lambda label: False).rows
            check_once(frame.where, "row", labels)
            return Names(f"the rows of {frame.where}", labels)

    def account(self, key: str, chosen: Sequence[int], names: Names, columns: Names) -> FloatArray:
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

    def of_users(
        self, key: str, chosen: Sequence[int], names: Names, users: Names
    ) -> FloatArray | None:
        """Return what final users emit, or are paid, themselves; None if it was not saved."""
        if not self.there(key):
            logger.warning("%s: no %s beside it; final users have none", names.where, key)
            return None
        return self.account(key, chosen, names, users)

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
                expected=f"the level {level!r}, as in MARIO's tables",
                got=repr(label[1])[:80],
                remedy=SAVE_ANEW,
            )
