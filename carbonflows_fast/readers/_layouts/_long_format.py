"""Long tables: one number per line, with its labels.

Lines are parsed in blocks and threads by pyarrow, which reads numbers exactly, and labels become
codes at once, so that ten million lines take 16 bytes each. A block in which pyarrow stumbles is
parsed line by line, which names the first line that is wrong.
"""

from __future__ import annotations

import csv
import math
import re
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast._base.threads import ThreadPool
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._layouts._growing import Growing
from carbonflows_fast.readers._layouts._number_parser import decoded, show
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._progress import reading

__all__ = ["Records", "check_once", "read_records"]

CodesArray = npt.NDArray[np.int16]

BLOCK_BYTES = 1 << 20
MOST_LABELS = 1 << 11  # in one column; regions, sectors and years are some hundreds
ROOMY = 8  # bytes for each record, as many as a sorted copy takes
VALUE = "value"
VALUES = (VALUE, "val")  # the names of the last column, where others go by their place


@dataclass(frozen=True)
class Records:
    """N records, a column of codes for each role.

    Attributes
    ----------
    where : str
        The file, for messages.
    labels : dict of str to list of str
        By role, the distinct labels in order of first appearance in the file.
    codes : dict of str to ndarray, shape (N,)
        By role, the position in `labels`.
    values : ndarray, shape (N,)
        Finite, NaN where the cell was empty.
    ended : bool
        Whether the last line has a line end; where not, the file may be cut short.
    """

    where: str
    labels: dict[str, list[str]]
    codes: dict[str, CodesArray]
    values: FloatArray
    ended: bool


@dataclass(frozen=True)
class _Layout:
    """Where the columns are: of the labels by role, and of the number."""

    where: str
    delimiter: str
    names: list[str]
    roles: dict[str, int]
    value: int


@dataclass
class _Block:
    """Records of some lines: of each role distinct labels and codes."""

    labels: list[list[str]]
    codes: list[Any]
    values: FloatArray


def read_records(
    files: Files,
    name: str,
    columns: Mapping[str, str] | None,
    *,
    delimiter: str = ",",
    headless: Sequence[str] = (),
    only: Mapping[str, str] | None = None,
    filled: Sequence[str] = (),
    once: bool = False,
    progress: bool | None = None,
) -> Records:
    """Read a long table.

    Parameters
    ----------
    files : Files
    name : str
        The file in it.
    columns : mapping of str to str, or None
        By role, the pattern of a column's name; "value" is the role of the number. None: the last
        column has the number, under a name as in `VALUES`, and roles count the others from "0".
    delimiter : str
    headless : sequence of str
        Names of the columns of a file that may come without a header line.
    only : mapping of str to str, optional
        By role, the label of the records to keep.
    filled : sequence of str
        Roles in `only` that no record may lack, since it would be left out in silence.
    once : bool
        Whether `check_once` comes next, so that many more records than labels are not kept.
    progress : bool, optional

    Raises
    ------
    FormatError
        For a missing or damaged file, a column that is missing or there twice, a line of another
        length, a cell that is no finite number, labels beyond reason.
    """
    with reading(files, [name], progress, title=name) as counted:
        blocks = counted.blocks(name, BLOCK_BYTES)
        first, text = next(blocks, (1, b""))
        layout, below = _layout(files.where(name), text, columns, delimiter, headless)
        kept = _Kept(layout, only or {}, filled, once)
        waiting: deque[Future[_Block]] = deque()
        threads, ended = thread_count(), True
        with ThreadPool(threads) as pool:
            for number, block in chain([(first, below)], blocks):
                waiting.append(pool.submit(_parsed, layout, number, block))
                ended = block.endswith(b"\n")
                while len(waiting) > 2 * threads:  # no more text than that in memory
                    kept.add(waiting.popleft().result())
            while waiting:
                kept.add(waiting.popleft().result())
    return kept.result(ended)


def check_once(records: Records, roles: Sequence[str]) -> None:
    """Raise if two records have the same labels in all these roles.

    Raises
    ------
    FormatError
        Naming the labels.
    """
    sizes = [len(records.labels[role]) for role in roles]
    key = np.zeros(len(records.values), dtype=np.int64)
    for role, size in zip(roles, sizes, strict=True):
        key *= size
        key += records.codes[role]
    if math.prod(sizes) <= ROOMY * len(key):  # most combinations are there: tick them off
        seen = np.zeros(math.prod(sizes), dtype=bool)
        seen[key] = True
        if np.count_nonzero(seen) == len(key):
            return
    key.sort()
    again = np.flatnonzero(key[1:] == key[:-1])
    if not len(again):
        return
    codes = np.unravel_index(int(key[again[0]]), sizes)
    label = [records.labels[role][at] for role, at in zip(roles, codes, strict=True)]
    raise FormatError.about(
        f"{records.where}, {show(label)}",
        expected="one record of these labels",
        got=f"{int((key == key[again[0]]).sum())}",
        remedy=f"restore the file ({len(again)} records are too many)",
    )


def _layout(
    where: str,
    text: bytes,
    columns: Mapping[str, str] | None,
    delimiter: str,
    headless: Sequence[str],
) -> tuple[_Layout, bytes]:
    """Find the columns in the header line, and return the text below it."""
    line = text.partition(b"\n")[0]
    below = text[len(line) :]  # with the line end, so that lines are counted as in the file
    names = _cells(where, 1, line, delimiter)
    if columns is None:
        return _by_position(where, names, delimiter), below
    found = {
        role: [at for at, name in enumerate(names) if re.fullmatch(pattern, name)]
        for role, pattern in columns.items()
    }
    if headless and not any(found.values()):
        names, below = list(headless), text
        found = {role: [names.index(pattern)] for role, pattern in columns.items()}
    for role, places in found.items():
        if len(places) != 1:
            raise FormatError.about(
                f"{where}, line 1",
                expected=f"one column {columns[role]}",
                got=f"{len(places)} among {shorten(names, 10)}",
                remedy="restore the header line, or give the file of this layout",
            )
    roles = {role: places[0] for role, places in found.items()}
    value = roles.pop(VALUE)
    return _Layout(where, delimiter, names, roles, value), below


def _by_position(where: str, names: list[str], delimiter: str) -> _Layout:
    *labels, value = names
    if not labels or value.strip().lower() not in VALUES:
        raise FormatError.about(
            f"{where}, line 1",
            expected="names of labels, and of the number at the end (value)",
            got=shorten(map(repr, names), 10),
            remedy="restore the header line, or give the file of this layout",
        )
    roles = {str(at): at for at in range(len(labels))}
    return _Layout(where, delimiter, names, roles, len(labels))


def _cells(where: str, number: int, raw: bytes, delimiter: str) -> list[str]:
    line = decoded(where, number, raw.rstrip(b"\r"))
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except csv.Error as error:
        raise FormatError.about(
            f"{where}, line {number}",
            expected="cells between delimiters, quoted or not",
            got=str(error),
            remedy="restore the line",
        ) from error


def _parsed(layout: _Layout, first: int, text: bytes) -> _Block:
    """Parse a block; `first` is the number of its first line."""
    import pyarrow as pa
    import pyarrow.csv as pc

    wanted = [*layout.roles.values(), layout.value]
    types = {str(at): pa.dictionary(pa.int32(), pa.string()) for at in layout.roles.values()}
    try:
        table = pc.read_csv(
            pa.BufferReader(text),
            pc.ReadOptions(
                use_threads=False,
                block_size=len(text) + 1,
                column_names=[str(at) for at in range(len(layout.names))],
            ),
            pc.ParseOptions(delimiter=layout.delimiter),
            pc.ConvertOptions(
                include_columns=[str(at) for at in wanted],
                column_types={**types, str(layout.value): pa.float64()},
                null_values=[""],
            ),
        ).combine_chunks()
    except pa.ArrowInvalid:
        return _parsed_carefully(layout, first, text)
    *labels, values = (column.chunk(0) for column in table.columns)
    numbers = values.to_numpy(zero_copy_only=False)
    odd = np.isfinite(numbers).sum() + values.null_count != len(numbers)
    if b'"' in text:  # a quote that is never closed would swallow lines
        odd |= len(numbers) != sum(1 for line in text.split(b"\n") if line.strip())
    if odd:
        return _parsed_carefully(layout, first, text)
    return _Block(
        [column.dictionary.to_pylist() for column in labels],
        [column.indices.to_numpy() for column in labels],
        numbers,
    )


def _parsed_carefully(layout: _Layout, first: int, text: bytes) -> _Block:
    """Parse line by line."""
    values: list[float] = []
    known: list[dict[str, int]] = [{} for _ in layout.roles]
    codes: list[list[int]] = [[] for _ in layout.roles]
    width = len(layout.names)
    for number, raw in enumerate(text.split(b"\n"), start=first):
        if not raw.strip():
            continue
        cells = _cells(layout.where, number, raw, layout.delimiter)
        if len(cells) != width:
            raise FormatError.about(
                f"{layout.where}, line {number}",
                expected=f"{width} cells",
                got=f"{len(cells)}",
                remedy="the line is cut short or has cells too many: restore it",
            )
        for at, column in enumerate(layout.roles.values()):
            codes[at].append(known[at].setdefault(cells[column], len(known[at])))
        values.append(_number(layout, number, cells[layout.value]))
    return _Block(
        [list(labels) for labels in known],
        [np.array(column, dtype=np.int32) for column in codes],
        np.array(values, dtype=np.float64),
    )


def _number(layout: _Layout, line: int, cell: str) -> float:
    try:
        value = float(cell) if cell.strip() else np.nan
        if not cell.strip() or (np.isfinite(value) and "_" not in cell):
            return value
    except ValueError:
        pass
    raise FormatError.about(
        f"{layout.where}, line {line}, column {layout.names[layout.value]}",
        expected="a finite number",
        got=repr(cell),
        remedy="correct the cell, or leave it empty",
    )


class _Kept:
    """Puts blocks together, in the order of the file."""

    def __init__(
        self, layout: _Layout, only: Mapping[str, str], filled: Sequence[str], once: bool
    ) -> None:
        self.layout, self.only, self.filled, self.once = layout, only, filled, once
        self.records = 0
        self.known: dict[str, dict[str, int]] = {role: {} for role in layout.roles}
        self.codes = {role: Growing(np.int16) for role in layout.roles}
        self.values = Growing(np.float64)

    def add(self, block: _Block) -> None:
        codes = {}
        for role, labels, local in zip(self.known, block.labels, block.codes, strict=True):
            known = self.known[role]
            shared = [known.setdefault(label, len(known)) for label in labels]
            if len(known) > MOST_LABELS:
                column = self.layout.names[self.layout.roles[role]]
                raise FormatError.about(
                    f"{self.layout.where}, column {column}",
                    expected=f"at most {MOST_LABELS} different labels",
                    got=f"more, among them {shorten(map(repr, labels[:3]))}",
                    remedy="this is no table in a known layout",
                )
            codes[role] = np.array(shared, dtype=np.int16)[local]
        for role in self.filled:
            self._refuse_empty(role, codes[role])
        self.records += len(block.values)
        keep: Any = slice(None)
        if self.only:
            keep = np.ones(len(block.values), dtype=bool)
            for role, label in self.only.items():
                keep &= codes[role] == self.known[role].get(label, -1)
        for role, column in codes.items():
            self.codes[role].add(column[keep])
        self.values.add(block.values[keep])
        if self.once:
            self._refuse_many()

    def _refuse_empty(self, role: str, codes: Any) -> None:
        empty = np.flatnonzero(codes == self.known[role].get("", -1))
        if empty.size:
            column = self.layout.names[self.layout.roles[role]]
            raise FormatError.about(
                f"{self.layout.where}, record {self.records + int(empty[0]) + 1}, column {column}",
                expected="a label",
                got="an empty one",
                remedy="fill it in, or remove the record",
            )

    def _refuse_many(self) -> None:
        """Refuse far more records than there are labels for, before they fill memory."""
        roles = (known for role, known in self.known.items() if role not in self.only)
        most = math.prod(map(len, roles))
        if len(self.values) > 2 * most + BLOCK_BYTES:  # of fewer, `check_once` says which
            raise FormatError.about(
                self.layout.where,
                expected=f"at most {most} records, one for these labels",
                got=f"{len(self.values)} and more",
                remedy="restore the file",
            )

    def result(self, ended: bool) -> Records:
        return Records(
            self.layout.where,
            {role: list(known) for role, known in self.known.items()},
            {role: column.result() for role, column in self.codes.items()},
            self.values.result(),
            ended,
        )
