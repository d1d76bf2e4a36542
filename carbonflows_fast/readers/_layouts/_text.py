"""Delimited tables: lines become labels and numbers, each error naming file and place.

Shared by the readers of text layouts.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._layouts._number_parser import (
    LINE_END,
    MOST_LABELS,
    Label,
    Numbers,
    Row,
    decoded,
    line_bytes,
    refuse_long,
    refuse_many,
    show,
)
from carbonflows_fast.readers._sources._files import Files

__all__ = [
    "Label",
    "TextTable",
    "check_label",
    "check_once",
    "check_same_labels",
    "read_matrix",
    "read_units",
    "show",
    "split_cells",
]

TOTAL = re.compile(r"(?:grand |sub)?(?:total|sum|all)s?\b", re.IGNORECASE)
SEPARATED = {"\t": "tab-separated ", ",": "comma-separated ", ";": "semicolon-separated "}


@dataclass(frozen=True)
class TextTable:
    """Numbers with the labels around them, and their places in the file.

    Attributes
    ----------
    where : str
        The file, for messages.
    rows : list of Label
        Labels of all rows of the file, those left out by `keep` as well.
    lines : list of int
        Line of each row, counted in `step`.
    columns : list of Label
    kept : list of int
        Positions in `rows` of the rows of `values`.
    values : ndarray or csr_array, shape (len(kept), len(columns))
    empty : int
        How many cells were empty; they are zero in `values`, or NaN if so asked.
    step : str
        What rows are counted in, "line" or "row".
    """

    where: str
    rows: list[Label]
    lines: list[int]
    columns: list[Label]
    kept: list[int]
    values: Any
    empty: int
    step: str = "line"

    def place(self, at: int) -> str:
        """Return how errors call the place of a row."""
        return f"{self.where}, {self.step} {self.lines[at]}"


def split_cells(where: str, line: int, raw: bytes, delimiter: str = "\t") -> list[str]:
    """Split a line; a quoted cell may hold quotes, delimiters and line ends, as pandas writes them.

    Raises
    ------
    FormatError
        If it is not UTF-8, or has more cells than any table.
    """
    if len(raw) > MOST_LABELS and (count := raw.count(delimiter.encode())) >= MOST_LABELS:
        raise FormatError.about(
            f"{where}, line {line}",
            expected=f"at most {MOST_LABELS:,} cells",
            got=f"{count + 1:,}",
            remedy="this is no table in a known layout",
        )
    text = decoded(where, line, raw)
    if '"' not in text:
        return text.split(delimiter)
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        return text.split(delimiter)  # a quote that quotes nothing is part of the label


def _header(
    where: str,
    lines: Iterator[tuple[int, bytes]],
    header_lines: int,
    label_columns: int | None,
    delimiter: str,
) -> tuple[int, list[Label]]:
    """Read the header lines; return the number of label columns and the column labels."""
    levels: list[list[str]] = []
    for _ in range(header_lines):
        number, raw = next(lines, (0, b""))
        cells = split_cells(where, number, raw.rstrip(LINE_END), delimiter)
        if label_columns is None:
            # "region", then one empty cell for each further label column
            first = next((i for i, cell in enumerate(cells[1:], start=1) if cell.strip()), 1)
            label_columns = first
        if len(cells) <= label_columns or (levels and len(cells) != len(levels[0])):
            expected = str(len(levels[0])) if levels else f"more than {label_columns}"
            raise FormatError.about(
                f"{where}, line {number or 'after the last'}",
                expected=f"a header line of {expected} {SEPARATED.get(delimiter, '')}cells",
                got=f"{len(cells)}",
                remedy="check that the file is such a table, and complete",
            )
        levels.append(cells)
    width = label_columns or 1
    return width, list(zip(*(cells[width:] for cells in levels), strict=True))


def _rows(
    where: str,
    lines: Iterable[tuple[int, bytes]],
    label_columns: int,
    columns: int,
    header_lines: int,
    delimiter: str,
    gaps: bool,
) -> Iterator[Row]:
    """Yield the rows below the header, without the line that names the label columns."""
    first = True
    most_bytes, between = line_bytes(label_columns + columns), delimiter.encode()
    for number, raw in lines:
        if len(raw) > most_bytes:
            whole = raw.rstrip(LINE_END)
            refuse_long(where, number, whole, label_columns + columns, delimiter)
        if b'"' in raw:
            texts = split_cells(where, number, raw.rstrip(LINE_END), delimiter)
            label, rest = texts[:label_columns], texts[label_columns:]
            _refuse_delimiters(where, number, rest, delimiter)
            start, text = 0 if rest else -1, delimiter.join(rest).encode()
        else:
            start = _end_of_labels(raw, between, label_columns)
            few = start < 0
            labels = decoded(where, number, raw.rstrip(LINE_END) if few else raw[: start - 1])
            label, text = labels.split(delimiter), b"" if few else raw
        row = Row(number, tuple(label), text, start)
        names_line = first and header_lines > 1 and not row.cells().strip(b"\t ,;")
        first = False
        if names_line:
            continue
        if start < 0:
            raise FormatError.about(
                f"{where}, line {number}",
                expected=f"{label_columns} label(s), then numbers",
                got=f"{len(label)} cell(s): {show(label)}",
                remedy="the file is cut short, or not "
                f"{SEPARATED.get(delimiter, 'delimited').strip()}: check its last lines",
            )
        if not _is_label(label, gaps):
            check_label(f"{where}, line {number}", label, gaps)
        yield row


def _end_of_labels(raw: bytes, between: bytes, label_columns: int) -> int:
    """Return where in a line the cells behind the labels begin, -1 if there are none."""
    start = 0
    for _ in range(label_columns):
        start = raw.find(between, start) + 1
        if start == 0:
            return -1
    return start


def _refuse_delimiters(where: str, line: int, cells: list[str], delimiter: str) -> None:
    """Refuse quoted cells that would become two: "1,5" is no number."""
    for cell in cells:
        if delimiter in cell:
            raise FormatError.about(
                f"{where}, line {line}",
                expected="numbers",
                got=repr(cell),
                remedy="write decimals with a point, and thousands without a mark",
            )


def _is_label(label: Sequence[str], gaps: bool) -> bool:
    return (any if gaps else all)(map(str.strip, label))


def check_label(place: str, label: Sequence[str], gaps: bool) -> None:
    """Raise if a label is empty, or one of its parts is, unless it may have gaps.

    Raises
    ------
    FormatError
        Naming the place.
    """
    if not _is_label(label, gaps):
        raise FormatError.about(
            place,
            expected="a text in each label column",
            got=show(label),
            remedy="fill in the missing label",
        )


def read_matrix(
    files: Files,
    name: str,
    *,
    label_columns: int | None = None,
    header_lines: int = 2,
    delimiter: str = "\t",
    keep: Callable[[Label], bool] | None = None,
    sparse: bool = False,
    empty_value: float = 0.0,
    gaps: bool = False,
    most_rows: int = MOST_LABELS,
    corner: bool = False,
) -> TextTable:
    """Read a delimited table of numbers with labels at the left and on top.

    Parameters
    ----------
    files : Files
    name : str
        The file in it.
    label_columns : int, optional
        How many columns hold labels; None: as many as the header's first line leaves free.
    header_lines : int
    delimiter : str
    keep : callable, optional
        Told the label of a row, returns whether its numbers are wanted; others are not parsed.
    sparse : bool
        Return `values` as csr_array without zeros.
    empty_value : float
        What an empty cell counts as. With 0, empty cells are refused, or, if `files.blanks` is
        "zero", counted and logged as a warning.
    gaps : bool
        Whether a row's label may lack some of its parts, not all.
    most_rows : int
        How many there are, where another file says so: what is far longer is not kept.
    corner : bool
        Whether cells may be empty whose row is no column and whose column is no row: publishers
        leave free what final demand has of primary inputs.

    Raises
    ------
    FormatError
        For a missing or damaged file, a line of another length, far more rows than there may be,
        a cell that is no finite number, an empty cell.
    """
    where = files.where(name)
    lines = files.lines(name, delimiter, ends=True)
    width, columns = _header(where, lines, header_lines, label_columns, delimiter)
    table = TextTable(where, [], [], columns, [], None, 0)
    with Numbers(
        where, columns, delimiter, sparse=sparse, empty_value=empty_value, blanks=files.blanks
    ) as numbers:
        for row in _rows(where, lines, width, len(columns), header_lines, delimiter, gaps):
            if len(table.rows) > 2 * most_rows:  # one too many is reported elsewhere
                raise FormatError.about(
                    f"{where}, line {row.line}",
                    expected=f"{most_rows} rows",
                    got=f"more than {2 * most_rows}",
                    remedy="the file belongs to another table: restore it",
                )
            if keep is None or keep(row.label):
                table.kept.append(len(table.rows))
                numbers.add(row)
            table.rows.append(row.label)
            table.lines.append(row.line)
        values, empty = numbers.result(_in_corner(table) if corner else None)
    return TextTable(where, table.rows, table.lines, columns, table.kept, values, empty)


def _in_corner(table: TextTable) -> Callable[[int, int], bool]:
    """Return a function: are row and column of a cell both no sectors?"""
    rows, columns = set(table.rows), set(table.columns)
    return lambda at, column: (
        table.rows[table.kept[at]] not in columns and table.columns[column] not in rows
    )


def read_units(
    folder: Files, name: str, label_columns: int, delimiter: str = "\t"
) -> tuple[list[Label], list[str]]:
    """Read a unit file: one header line, then labels, and the unit in the last column.

    Columns go by position, because their names differ between releases.
    """
    where = folder.where(name)
    lines = folder.lines(name, delimiter)
    next(lines, None)
    labels: list[Label] = []
    units: list[str] = []
    for number, raw in lines:
        refuse_long(where, number, raw, label_columns + 1, delimiter)
        refuse_many(where, number, len(labels))
        cells = split_cells(where, number, raw, delimiter)
        if len(cells) <= label_columns:
            raise FormatError.about(
                f"{where}, line {number}",
                expected=f"{label_columns} label(s) and a unit",
                got=f"{len(cells)} cell(s): {show(cells)}",
                remedy="restore the line",
            )
        labels.append(tuple(cells[:label_columns]))
        units.append(cells[-1])
    return labels, units


def _has_total(labels: Sequence[Label], expected: Sequence[Label]) -> bool:
    """Whether there is more than the labels, and it is called a total."""
    more = labels[len(expected) :]
    return (
        len(more) > 0
        and list(labels[: len(expected)]) == list(expected)
        and all(TOTAL.match(part.strip()) for label in more for part in label if part.strip())
    )


def check_once(where: str, what: str, labels: Sequence[Label]) -> None:
    """Raise if a label occurs twice or is empty.

    Raises
    ------
    FormatError
        Naming it.
    """
    seen: set[Label] = set()
    for label in labels:
        if label in seen or not all(part.strip() for part in label):
            got = "it again" if label in seen else "an empty text"
            raise FormatError.about(
                f"{where}, {what} {show(label)}",
                expected=f"every {what} labelled, and once",
                got=got,
                remedy="correct the label, or add up what has the same one",
            )
        seen.add(label)


def check_same_labels(
    what: str, labels: Sequence[Label], reference: str, expected: Sequence[Label]
) -> None:
    """Raise unless two sequences of labels are equal in order.

    Raises
    ------
    FormatError
        Naming the first place where they differ.
    """
    if list(labels) == list(expected):
        return
    pairs = enumerate(zip(labels, expected, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), min(len(labels), len(expected)))
    if len(labels) != len(expected):
        here = show(labels[at]) if at < len(labels) else "nothing"
        raise FormatError.about(
            what,
            expected=f"{len(expected)} labels, as in {reference}",
            got=f"{len(labels)}, with {here} at position {at + 1}",
            remedy="leave the totals out"
            if _has_total(labels, expected)
            else "the file is cut short or belongs to another table: restore it",
        )
    swapped = sorted(labels) == sorted(expected)
    remedy = (
        "the same labels stand in another order: sort numbers and labels of one file together"
        if swapped
        else "correct the label, or take both files from one table"
    )
    raise FormatError.about(
        f"{what}, position {at + 1}",
        expected=f"{show(expected[at])}, as in {reference}",
        got=show(labels[at]),
        remedy=f"{remedy}; nothing is realigned in silence",
    )
