"""What `_sheet_bounds` does, for xls: records in a compound file, which is a small file system.

Layouts: MS-CFB and MS-XLS (BIFF8). Whatever the parser takes from the file to make room by, or
follows from one place to the next, is checked. xlrd 2.0.2 instead of this module was tried: a small
damaged file kept it busy without end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from struct import error as StructError
from struct import unpack_from

from carbonflows_fast.errors import FormatError

__all__ = ["count_xls_errors"]

ROWS, COLUMNS = 65_536, 256  # of any xls
MOST_CELLS = 34_000_000  # of all sheets, which the parser opens at once
MOST_TEXT = 1 << 32  # of all cells, which share their texts in the file

CHAIN_END = 0xFFFFFFFA  # this and above are no sectors
MINI = 4096  # bytes from which on a stream has sectors of the usual size
ROOT = ""  # the first entry of the directory

END, BOUND_SHEET, STRINGS, CONTINUED, DIMENSIONS = 0x0A, 0x85, 0xFC, 0x3C, 0x200
SHARED_TEXT, FORMULA, SHORTS, ERROR = 0xFD, 0x06, 0xBD, 0x205
CELLS = {SHARED_TEXT, FORMULA, SHORTS, ERROR, 0x203, 0x204, 0x27E}


def count_xls_errors(where: str, content: bytes) -> int:
    """Look through a workbook; return how many of its cells hold an error, such as #REF!.

    Raises
    ------
    FormatError
        If it is damaged, or its cells reach further than those of any xls.
    """
    try:
        return _look_through(_workbook(content))
    except (ValueError, StructError) as error:
        raise FormatError.about(
            where,
            expected="a workbook as xls",
            got=str(error),
            remedy="it is damaged, or no spreadsheet: download or copy it again",
        ) from error


# --- the compound file ----------------------------------------------------------------------


def _workbook(content: bytes) -> bytes:
    """Return the stream with all records of the workbook."""
    size = 1 << min(unpack_from("<H", content, 30)[0], 16)
    if size not in (512, 4096):
        raise ValueError(f"sectors of {size} bytes")
    body = content[size:]
    sectors = len(body) // size
    if max(unpack_from("<2I", content, 40) + unpack_from("<I4xI", content, 64)) > sectors:
        raise ValueError(f"more tables than the {sectors} sectors there are")
    tables = list(unpack_from("<109I", content, 76))
    (more,) = unpack_from("<I", content, 68)
    for _ in range(sectors):  # of a list of tables that goes on elsewhere
        if more >= CHAIN_END:
            break
        *entries, more = _words(_sector(body, size, more))
        tables += entries
    following = [w for at in tables if at < CHAIN_END for w in _words(_sector(body, size, at))]
    directory = _chain(body, size, following, unpack_from("<I", content, 48)[0])
    streams: dict[str, tuple[int, int]] = {}
    for at in range(0, len(directory), 128):
        name = directory[at : at + 64].decode("utf-16-le", "replace").split("\0")[0]
        streams.setdefault(name if at else ROOT, unpack_from("<2I", directory, at + 116))
    # Streams below a certain length lie in another stream, in sectors of their own.
    small = _chain(body, size, following, streams.get(ROOT, (CHAIN_END, 0))[0])
    small_following = _words(_chain(body, size, following, unpack_from("<I", content, 60)[0]))
    start, length = streams.get("Workbook", (CHAIN_END, 0))
    if length >= MINI:
        stream = _chain(body, size, following, start)
    else:
        stream = _chain(small, 64, small_following, start)
    if not 0 < length <= len(stream):
        raise ValueError("no stream of a workbook since Excel 97, or one cut short")
    return stream[:length]


def _sector(body: bytes, size: int, at: int) -> bytes:
    found = body[at * size : (at + 1) * size]
    if len(found) < size:
        raise ValueError(f"{len(body) // size} sectors where there should be {at + 1}")
    return found


def _words(sector: bytes) -> tuple[int, ...]:
    return unpack_from(f"<{len(sector) // 4}I", sector)


def _chain(body: bytes, size: int, following: Sequence[int], at: int) -> bytes:
    """Put together the sectors of a stream, of which each says in a table which one follows."""
    parts: list[bytes] = []
    while at < CHAIN_END:
        if len(parts) * size > len(body) or at >= len(following):
            raise ValueError("a chain of sectors without an end")
        parts.append(_sector(body, size, at))
        at = following[at]
    return b"".join(parts)


# --- its records ----------------------------------------------------------------------------


def _look_through(stream: bytes) -> int:
    sheets, texts = [], 0
    for kind, at, size in _records(stream, 0):
        if kind == BOUND_SHEET:
            sheets.append(unpack_from("<I", stream, at)[0])
        elif kind == STRINGS and unpack_from("<I", stream, at + 4)[0] > len(stream):
            raise ValueError("more texts than it has bytes")
        texts += size if kind in (STRINGS, CONTINUED) else 0
    cells = errors = shared = 0
    for start in sheets:
        last_row = last_column = -1
        for kind, at, size in _records(stream, start):
            if kind == DIMENSIONS:
                _check_dimensions(stream, at, size)
            if kind not in CELLS:
                continue
            row, column = unpack_from("<2H", stream, at)
            column += max(0, (size - 12) // 6) if kind == SHORTS else 0
            if column >= COLUMNS:
                raise ValueError(f"a cell in column {column + 1}")
            last_row, last_column = max(last_row, row), max(last_column, column)
            shared += kind == SHARED_TEXT
            errors += _is_error(kind, stream[at : at + size])
        cells += (last_row + 1) * (last_column + 1)
        if cells > MOST_CELLS:
            raise ValueError(f"sheets with more than {MOST_CELLS} cells")
    if shared * min(texts, 3 * 65_535) > MOST_TEXT:
        raise ValueError(f"{shared} cells with texts that may be {texts} bytes long")
    return errors


def _check_dimensions(stream: bytes, at: int, size: int) -> None:
    """Check the rectangle that a sheet says it fills: first row, one after the last, columns."""
    top, bottom, left, right = unpack_from("<2I2H" if size == 14 else "<4H", stream, at)
    if bottom and right and not (top < bottom <= ROWS and left < right <= COLUMNS):
        raise ValueError(f"a sheet from {top}, {left} to {bottom}, {right}")


def _is_error(kind: int, record: bytes) -> bool:
    """Whether a cell holds an error, by itself or as the result of its formula."""
    if kind == ERROR:
        return record[7:8] == b"\1"
    return kind == FORMULA and record[6:7] == b"\2" and record[12:14] == b"\xff\xff"


def _records(stream: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Yield kind, place and size of records, up to the end of a sheet."""
    while at + 4 <= len(stream):
        kind, size = unpack_from("<2H", stream, at)
        at += 4
        if kind == END:
            return
        yield kind, at, size
        at += size
