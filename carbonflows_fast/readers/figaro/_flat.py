"""FIGARO's flat files: one line for each pair of seller and buyer."""

from __future__ import annotations

import logging

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._layouts._long_format import Records, check_once, read_records
from carbonflows_fast.readers._layouts._number_parser import Label, settle_blanks, show
from carbonflows_fast.readers._layouts._square import Square, taken_apart
from carbonflows_fast.readers._layouts._text import TextTable
from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files

__all__ = ["read_flat"]

PlaceArray = npt.NDArray[np.int32]

logger = logging.getLogger(__name__)

COLUMNS = {
    "seller's area": "refArea",
    "seller": "row(Ii|Pp)",  # rowPi is a table of supply or use
    "buyer's area": "counterpartArea",
    "buyer": "col(Ii|Pp)",
    "value": "obsValue",
}
ROLES = list(COLUMNS)[:4]
LEAST = 0.01  # of all pairs; where zeros are left out, some half is there


def read_flat(files: Files, table: Candidate, *, progress: bool | None) -> Square:
    """Read a flat file as the matrix that it spells out.

    Regions and sectors are in the order in which they first appear as sellers, region by
    region, which is the order of the matrix. Pairs that are not in the file are zero, as Eurostat
    leaves zeros out; they are counted and logged. A pair that is there without a value is refused,
    or zero if `files.blanks` says so.

    Raises
    ------
    FormatError
        If the file is damaged, a pair occurs twice or has no value, or sellers and buyers differ.
    """
    where = files.where(table.name)
    row, column, values, rows, columns = _located(
        read_records(files, table.name, COLUMNS, once=True, progress=progress)
    )
    absent = len(rows) * len(columns) - len(values)
    empty = np.isnan(values)
    if absent:
        logger.warning("%s: %d absent pairs count as zero", where, absent)
    first = int(empty.argmax())
    settle_blanks(
        where,
        int(empty.sum()),
        f"{where}, row {show(rows[row[first]])}, column {show(columns[column[first]])}",
        files.blanks,
    )
    stored = (values != 0.0) & ~empty
    matrix = sp.coo_array(
        (values[stored], (row[stored], column[stored])), shape=(len(rows), len(columns))
    ).tocsr()
    text = TextTable(where, rows, [], columns, list(range(len(rows))), matrix, 0)
    return taken_apart(text, lambda label: False)


def _located(
    records: Records,
) -> tuple[PlaceArray, PlaceArray, FloatArray, list[Label], list[Label]]:
    """Return row, column and value of each record, and the labels of rows and columns."""
    check_once(records, ROLES)
    _check_labels(records)
    areas, codes = (
        list(dict.fromkeys([*records.labels[seller], *records.labels[buyer]]))
        for seller, buyer in (ROLES[0::2], ROLES[1::2])
    )
    row, rows = _axis(records, ROLES[:2], areas, codes)
    column, columns = _axis(records, ROLES[2:], areas, codes)
    _check_full(records, len(rows), len(columns))
    return row, column, records.values, rows, columns


def _check_full(records: Records, rows: int, columns: int) -> None:
    """Raise where so much is absent that the file is another, or cut short."""
    there = len(records.values)
    if there < LEAST * rows * columns or (there < rows * columns and not records.ended):
        raise FormatError.about(
            records.where,
            expected=f"{rows} × {columns} pairs, and a line end after them",
            got=f"{there} pairs, and {'one' if records.ended else 'none'}",
            remedy="the file is cut short, or no such table: restore it",
        )


def _check_labels(records: Records) -> None:
    """Raise where REGION_SECTOR, as the matrix has it, would not be clear."""
    for role in ROLES:
        for label in records.labels[role]:
            if not label.strip() or (role.endswith("area") and "_" in label):
                raise FormatError.about(
                    f"{records.where}, column {COLUMNS[role]}",
                    got=repr(label),
                    expected="a code without underscore" if label.strip() else "a code",
                    remedy="correct the label",
                )


def _axis(
    records: Records, roles: list[str], areas: list[str], codes: list[str]
) -> tuple[PlaceArray, list[Label]]:
    """Return the row (or column) of each record, and the labels of all."""
    place = [
        np.array([order.index(label) for label in records.labels[role]], dtype=np.int32)
        for role, order in zip(roles, (areas, codes), strict=True)
    ]
    pair = place[0][records.codes[roles[0]]]
    pair *= len(codes)
    pair += place[1][records.codes[roles[1]]]
    there = np.bincount(pair, minlength=len(areas) * len(codes)) > 0
    labels: list[Label] = [
        (f"{areas[at // len(codes)]}_{codes[at % len(codes)]}",)
        for at in np.flatnonzero(there).tolist()
    ]
    position = np.cumsum(there, dtype=np.int32)
    position -= 1
    return position[pair], labels
