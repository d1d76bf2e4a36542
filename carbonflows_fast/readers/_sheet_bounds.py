"""How far the cells of a workbook reach, found before a parser makes room for all between.

A parser of spreadsheets keeps a sheet as a full rectangle, so that one cell at the far corner of
a file of 1 kB asks for 400 GB, and Rust ends the process where memory is refused. Every part of a
workbook is therefore looked through first, by patterns that run over the cells at the speed of
unpacking.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from struct import unpack_from
from typing import NamedTuple

from carbonflows_fast.errors import FormatError, wrong

__all__ = ["count_error_cells"]

UNPACKED_BYTES = 1 << 30  # of all parts of a workbook; that of WIOD 2016 has 0.3 GB
MARKERS = ("xl/workbook.xml", "xl/workbook.bin")


class Reach(NamedTuple):
    """A rectangle that sheets may fill: some 30 million cells, 0.8 GB in the parser."""

    rows: int
    columns: int
    reference: bytes  # pattern of a cell within it, as "CY9999" is


WIDE = Reach(9_999, 3_406, rb"(?:[A-Z]{1,2}|[A-D][A-Z]{2})[0-9]{1,4}")
TALL = Reach(99_999, 260, rb"(?:[A-I]?[A-Z])[0-9]{1,5}")
ALLOWED = (
    f"cells within {WIDE.rows} rows and {WIDE.columns} columns, or {TALL.rows} and {TALL.columns}"
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
    errors = 0
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [info.filename.replace("\\", "/").lower() for info in archive.infolist()]
        kinds = [marker for marker in MARKERS if marker in names]
        if len(kinds) != 1 or "content.xml" in names:
            raise FormatError(
                wrong(where, expected="a workbook as xlsx, xlsb or xls",
                      got="another kind of file", remedy="save it as one of these")
            )  # fmt: skip
        unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > UNPACKED_BYTES:
            raise FormatError(
                wrong(where, expected=f"a workbook of at most {UNPACKED_BYTES >> 30} GB",
                      got=f"{unpacked / 1e9:.1f} GB when unpacked",
                      remedy="this is no table in a known layout")
            )  # fmt: skip
        for info in archive.infolist():
            part = archive.read(info)
            look = _look_at_xml if kinds == [MARKERS[0]] else _look_at_records
            beyond, found = look(part, WIDE)
            if beyond:
                beyond, found = look(part, TALL)
            if beyond:
                raise FormatError(
                    wrong(f"{where}, part {info.filename!r}", expected=ALLOWED, got=beyond,
                          remedy="delete stray cells, or save the workbook anew by a "
                          "spreadsheet program")
                )  # fmt: skip
            errors += found
    return errors


# --- xlsx: XML ------------------------------------------------------------------------------

ATTRIBUTES = rb"""(?:[ \t\r\n]+(?!r=)[^\s=<>"']+="[^"<]*")*[ \t\r\n]+"""
ERROR_CELL = b't="e"'


def _cell_beyond(reach: Reach, prefix: bytes) -> re.Pattern[bytes]:
    """Return what fits a cell unless it says in plain words that it is within reach."""
    return re.compile(
        b"<" + prefix + rb"c(?=[\s/>])(?!" + ATTRIBUTES + b'r="' + reach.reference + b'")'
    )


# Names with a prefix ("<x:c") are rare, and take twice the time to look for.
PLAIN = {reach: _cell_beyond(reach, b"") for reach in (WIDE, TALL)}
PREFIXED = {reach: _cell_beyond(reach, rb"(?:[^\s<>]*:)?") for reach in (WIDE, TALL)}


def _look_at_xml(part: bytes, reach: Reach) -> tuple[str, int]:
    """Return the first cell beyond, "" if none is, and how many cells hold errors."""
    pattern = PREFIXED if b":c" in part else PLAIN
    found = pattern[reach].search(part)
    if found is None:
        return "", part.count(ERROR_CELL)
    return repr(part[found.start() : found.start() + 40].decode("utf-8", "replace")), 0


# --- xlsb: records --------------------------------------------------------------------------

ROW, CELLS, ERRORS, DATA_BEGINS = 0, range(1, 12), (3, 11), 0x91


def _plain_numbers(columns: int) -> re.Pattern[bytes]:
    """Return what fits a run of numbers (BrtCellReal, BrtCellRk) in columns well within reach."""
    column = b".[\\x00-" + re.escape(bytes([columns // 256 - 1])) + b"]\\x00\\x00"
    real, short = b"\\x05\\x10" + column + b".{12}", b"\\x02\\x0c" + column + b".{8}"
    return re.compile(b"(?:" + real + b"|" + short + b")*+", re.DOTALL)


NUMBERS = {reach: _plain_numbers(reach.columns) for reach in (WIDE, TALL)}


def _look_at_records(part: bytes, reach: Reach) -> tuple[str, int]:
    """Return the first cell beyond, "" if none is, and how many cells hold errors."""
    errors = row = 0
    for kind, at, size in _records(part, NUMBERS[reach]):
        if kind == ROW and size >= 4:
            (row,) = unpack_from("<I", part, at)
        elif kind in CELLS and size >= 4:
            (column,) = unpack_from("<I", part, at)
            if row >= reach.rows or column >= reach.columns:
                return f"one in row {row + 1}, column {column + 1}", 0
            errors += kind in ERRORS
        if kind == ROW and row >= reach.rows:  # numbers after it are passed over
            return f"row {row + 1}", 0
    return "", errors


def _records(part: bytes, skipped: re.Pattern[bytes]) -> Iterator[tuple[int, int, int]]:
    """Yield kind, place and size of the records once sheet data has begun, but those skipped.

    A part that holds no sheet has none, and one that is cut short just ends: the parser says so.
    """
    begun, at, end = False, 0, len(part)
    while at < end:
        if begun and (run := skipped.match(part, at)):
            at = run.end()
        kind, at = _variable(part, at, 2)
        size, at = _variable(part, at, 4)
        if at > end:
            return
        begun = begun or kind == DATA_BEGINS
        if begun:
            yield kind, at, min(size, end - at)
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
