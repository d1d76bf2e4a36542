"""The extent of the cells of a workbook, found before a parser allocates a full rectangle.

A parser of spreadsheets keeps a sheet as a full rectangle, so that one cell at the far corner of
a file of 1 kB asks for 400 GB, and Rust ends the process where memory is refused. Every part of a
workbook is therefore looked through first, by patterns that run over the cells at the speed of
unpacking.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from struct import unpack_from
from typing import NamedTuple

from carbonflows_fast.errors import FormatError

__all__ = ["count_error_cells"]

MOST_TEXT = 1 << 32  # of all cells: what is stored once is a copy in each
UNPACKED_BYTES = 1 << 30  # of all parts of a workbook; that of WIOD 2016 has 0.3 GB
MARKERS = ("xl/workbook.xml", "xl/workbook.bin")


class Reach(NamedTuple):
    """A rectangle that sheets may fill: some 30 million cells, 0.8 GB in the parser."""

    rows: int
    columns: int
    reference: bytes  # pattern of a cell within it, as "CY9999" is


WIDE = Reach(9_999, 3_406, rb"(?:[A-Z]{1,2}|[A-D][A-Z]{2})[0-9]{1,4}")
TALL = Reach(99_999, 260, rb"(?:[A-I]?[A-Z])[0-9]{1,5}")
FLAT = Reach(999, 8_814, rb"(?:[A-Z]{1,2}|[A-L][A-Z]{2})[0-9]{1,3}")  # hybrid EXIOBASE has 7,876
REACHES = (WIDE, TALL, FLAT)
ALLOWED = "cells within {} rows and {} columns, or {} and {}, or {} and {}".format(
    *(number for reach in REACHES for number in reach[:2])
)


def count_error_cells(where: str, content: bytes) -> int:
    """Look through a workbook; return how many of its cells hold an error, such as #REF!.

    Parameters
    ----------
    where : str
        The file, for messages.
    content : bytes
        Of an xlsx or xlsb.

    Raises
    ------
    FormatError
        If its cells reach further than those of any table, it is too large or no such workbook.
    zipfile.BadZipFile and others
        If it is damaged.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [info.filename.replace("\\", "/").lower() for info in archive.infolist()]
        kinds = [marker for marker in MARKERS if marker in names]
        if len(kinds) != 1 or "content.xml" in names:
            raise FormatError.about(
                where,
                expected="a workbook as xlsx, xlsb or xls",
                got="another kind of file",
                remedy="save it as one of these",
            )
        unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > UNPACKED_BYTES:
            raise FormatError.about(
                where,
                expected=f"a workbook of at most {UNPACKED_BYTES >> 30} GB",
                got=f"{unpacked / 1e9:.1f} GB when unpacked",
                remedy="this is no table in a known layout",
            )
        look = _look_at_xml if kinds == [MARKERS[0]] else _look_at_records
        found = [
            _look(f"{where}, part {info.filename!r}", archive.read(info), look)
            for info in archive.infolist()
        ]
    shared = sum(one.shared for one in found)
    longest = max(one.longest for one in found)
    if shared * longest > MOST_TEXT:
        raise FormatError.about(
            where,
            expected=f"texts of at most {MOST_TEXT >> 30} GB in all cells",
            got=f"{shared} cells with texts of up to {longest} bytes",
            remedy="this is no table in a known layout",
        )
    return sum(one.errors for one in found)


class Look(NamedTuple):
    """What is in a part: a cell beyond, errors, cells with shared texts, bytes of the longest."""

    beyond: str
    errors: int = 0
    shared: int = 0
    longest: int = 0


def _look(where: str, part: bytes, look: Callable[[bytes, Reach], Look]) -> Look:
    """Look through a part, which may be wide, tall or flat."""
    for reach in REACHES:
        found = look(part, reach)
        if not found.beyond:
            break
    else:
        raise FormatError.about(
            where,
            expected=ALLOWED,
            got=found.beyond,
            remedy="delete stray cells, or save the workbook anew by a spreadsheet program",
        )
    return found


# --- xlsx: XML ------------------------------------------------------------------------------

ATTRIBUTES = rb"""(?:[ \t\r\n]+(?!r=)[^\s=<>"']+="[^"<]*")*[ \t\r\n]+"""
KIND = re.compile(rb"""t=["']([es])["']""")  # of cells: with an error, or a shared text
STRINGS = re.compile(rb"<(?:[^\s<>]*:)?sst\s[^<]*")
# Of texts that are stored; `count` is of the cells that have one, which may be many more.
COUNT = re.compile(rb"""uniqueCount=["'](\d{1,20})""")


def _cell_beyond(reach: Reach, prefix: bytes) -> re.Pattern[bytes]:
    """Return what fits a cell unless it says in plain words that it is within reach."""
    return re.compile(
        b"<" + prefix + rb"c(?=[\s/>])(?!" + ATTRIBUTES + b'r="' + reach.reference + b'")'
    )


# Names with a prefix ("<x:c") are rare, and take twice the time to look for.
PLAIN = {reach: _cell_beyond(reach, b"") for reach in REACHES}
PREFIXED = {reach: _cell_beyond(reach, rb"(?:[^\s<>]*:)?") for reach in REACHES}


def _look_at_xml(part: bytes, reach: Reach) -> Look:
    pattern = PREFIXED if b":c" in part else PLAIN
    if found := pattern[reach].search(part):
        return Look(repr(part[found.start() : found.start() + 40].decode("utf-8", "replace")))
    kinds = KIND.findall(part)
    longest = 0
    if b"sst" in part:
        longest = max(map(len, part.split(b"si>")))
        for start in STRINGS.findall(part):
            if any(int(count) > len(part) for count in COUNT.findall(start)):
                raise ValueError("more texts than it has bytes")  # it would make room for them
    return Look("", kinds.count(b"e"), kinds.count(b"s"), longest)


# --- xlsb: records --------------------------------------------------------------------------

ROW, ERRORS, SHARED, STRING, DATA_BEGINS = 0, (3, 11), 7, 0x13, 0x91
TEXTS = (6, 8)
# Of a shorter record, the parser takes what the one before it has left in its memory.
LEAST_BYTES = {ROW: 4, 1: 8, 2: 12, 3: 9, 4: 9, 5: 16, 6: 12, 7: 12, 8: 12, 9: 16, 10: 9, 11: 9}


def _plain_numbers(columns: int) -> re.Pattern[bytes]:
    """Return what fits a run of numbers (BrtCellReal, BrtCellRk) in columns well within reach."""
    column = b".[\\x00-" + re.escape(bytes([columns // 256 - 1])) + b"]\\x00\\x00"
    real, short = b"\\x05\\x10" + column + b".{12}", b"\\x02\\x0c" + column + b".{8}"
    return re.compile(b"(?:" + real + b"|" + short + b")*+", re.DOTALL)


NUMBERS = {reach: _plain_numbers(reach.columns) for reach in REACHES}


def _look_at_records(part: bytes, reach: Reach) -> Look:
    """Look through a part; one without sheet data is no sheet."""
    errors = shared = longest = row = 0
    begun = False
    for kind, at, size in _records(part, NUMBERS[reach]):
        begun = begun or kind == DATA_BEGINS
        if kind == STRING:
            longest = max(longest, size)
        if not begun or kind not in LEAST_BYTES:
            continue
        if size < _needed(part, kind, at, size):
            raise ValueError(f"a record of type {kind} is cut short")
        (place,) = unpack_from("<I", part, at)
        if kind == ROW:
            row = place
            if row >= reach.rows:  # numbers in it are passed over
                return Look(f"row {row + 1}")
        elif place >= reach.columns:
            return Look(f"row {row + 1}, column {place + 1}")
        errors += kind in ERRORS
        shared += kind == SHARED
    return Look("", errors, shared, longest)


def _needed(part: bytes, kind: int, at: int, size: int) -> int:
    """Return how many bytes a record of this type must have."""
    least = LEAST_BYTES[kind]
    if kind in TEXTS and size >= least:
        least += 2 * int(unpack_from("<I", part, at + 8)[0])
    return least


def _records(part: bytes, skipped: re.Pattern[bytes]) -> Iterator[tuple[int, int, int]]:
    """Yield kind, place and size of the records, but of those skipped.

    A part that is cut short just ends: the parser says so.
    """
    at, end = 0, len(part)
    while at < end:
        if run := skipped.match(part, at):
            at = run.end()
        kind, at = _variable(part, at, 2)
        size, at = _variable(part, at, 4)
        if at + size > end:
            return
        yield kind, at, size
        at += size


def _variable(part: bytes, at: int, most: int) -> tuple[int, int]:
    """Read a number of up to `most` bytes with seven bits each; return it and the place after."""
    value = 0
    for place in range(most):
        byte = part[at + place] if at + place < len(part) else 0
        value |= (byte & 127) << 7 * place
        if byte < 128:
            break
    return value, at + place + 1
