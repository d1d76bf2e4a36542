"""Writers of small workbooks for tests: xlsx by openpyxl; xlsb and xls, which little else writes.

Of these only what a reader needs: numbers, texts, rows and the names of sheets (MS-XLSB; MS-XLS
within MS-CFB).
"""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import Any

Sheets = dict[str, list[list[Any]]]

RELATED = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
ROW, SHORT, ERROR, REAL, TEXT = 0, 2, 3, 5, 6


def write_workbook(path: Path, sheets: Sheets) -> Path:
    """Write rows of cells from A1 on, None where empty; xlsb or xls if the name ends so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".xlsb":
        return write_xlsb(path, sheets)
    if path.suffix == ".xls":
        streams = {name: b"".join(old_rows(rows)) for name, rows in sheets.items()}
        return write_xls(path, streams)
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def record(kind: int, content: bytes = b"") -> bytes:
    """Return a record: kind and length with seven bits a byte, then the content."""
    head = bytes([kind]) if kind < 128 else bytes([kind & 127 | 128, kind >> 7])
    size = len(content)
    while size >= 128:
        head += bytes([size & 127 | 128])
        size >>= 7
    return head + bytes([size]) + content


def text(value: str) -> bytes:
    return struct.pack("<I", len(value)) + value.encode("utf-16-le")


def cell(column: int, value: Any) -> bytes:
    place = struct.pack("<II", column, 0)
    if isinstance(value, str):
        return record(TEXT, place + text(value))
    if isinstance(value, int):
        return record(SHORT, place + struct.pack("<i", value << 2 | 2))
    return record(REAL, place + struct.pack("<d", value))


def sheet_part(rows: list[tuple[int, bytes]]) -> bytes:
    """Return a part with rows: their numbers from 0, and their cells."""
    begin = record(0x81) + record(0x94, bytes(16)) + record(0x91)
    body = b"".join(record(ROW, struct.pack("<I", at) + bytes(21)) + cells for at, cells in rows)
    return begin + body + record(0x92) + record(0x82)


def write_xlsb(path: Path, sheets: Sheets) -> Path:
    parts = {
        name: sheet_part(
            [
                (at, b"".join(cell(c, v) for c, v in enumerate(row) if v is not None))
                for at, row in enumerate(rows)
            ]
        )
        for name, rows in sheets.items()
    }
    return write_parts(path, parts)


def write_parts(path: Path, parts: dict[str, bytes]) -> Path:
    """Write an xlsb from the parts of its sheets by name."""
    bundles, relations = b"", ""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for at, (name, part) in enumerate(parts.items(), start=1):
            bundles += record(156, struct.pack("<II", 0, at) + text(f"rId{at}") + text(name))
            relations += (
                f'<Relationship Id="rId{at}" Type="{OFFICE}/worksheet" '
                f'Target="worksheets/sheet{at}.bin"/>'
            )
            archive.writestr(f"xl/worksheets/sheet{at}.bin", part)
        book = record(131) + record(143) + bundles + record(144) + record(132)
        archive.writestr("xl/workbook.bin", book)
        archive.writestr(
            "xl/_rels/workbook.bin.rels",
            f'<Relationships xmlns="{RELATED}">{relations}</Relationships>',
        )
    return path


# --- xls ------------------------------------------------------------------------------------

NO_SECTOR, TABLE_SECTOR, CHAIN_END = 0xFFFFFFFF, 0xFFFFFFFD, 0xFFFFFFFE


def old_record(kind: int, content: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def old_cell(row: int, column: int, value: Any) -> bytes:
    place = struct.pack("<HHH", row, column, 0)
    if isinstance(value, str):
        return old_record(
            0x204, place + struct.pack("<HB", len(value), 0) + value.encode("latin-1")
        )
    return old_record(0x203, place + struct.pack("<d", value))


def old_rows(rows: list[list[Any]]) -> list[bytes]:
    return [
        old_cell(at, column, value)
        for at, row in enumerate(rows)
        for column, value in enumerate(row)
        if value is not None
    ]


def write_xls(path: Path, sheets: dict[str, bytes], *, extra: bytes = b"") -> Path:
    """Write an xls from the records of its sheets by name, and more for the workbook."""
    start, end = old_record(0x809, struct.pack("<HH12x", 0x600, 0x10)), old_record(0x0A)
    place = len(start) + len(extra) + sum(4 + 8 + len(name) for name in sheets) + len(end)
    book, body = start + extra, b""
    for name, records in sheets.items():
        bound = struct.pack("<IBBBB", place + len(body), 0, 0, len(name), 0)
        book += old_record(0x85, bound + name.encode("latin-1"))
        body += start + records + end
    path.write_bytes(compound_file((book + end + body).ljust(4096, b"\0")))
    return path


def compound_file(stream: bytes) -> bytes:
    """Return a file with one stream: header, a sector of the table, one of the directory, it."""
    count = -(-len(stream) // 512)
    table = [TABLE_SECTOR, CHAIN_END, *range(3, count + 2), CHAIN_END]
    table += [NO_SECTOR] * (128 - len(table))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<5H6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<9I", 0, 1, 1, 0, 4096, CHAIN_END, 0, CHAIN_END, 0)
    header += struct.pack("<109I", 0, *[NO_SECTOR] * 108)
    entries = [("Root Entry", 5, CHAIN_END, 0), ("Workbook", 2, 2, len(stream))]
    directory = b"".join(
        name.encode("utf-16-le").ljust(64, b"\0")
        + struct.pack("<HBB", 2 * len(name) + 2, kind, 1)
        + struct.pack("<3I36x", NO_SECTOR, NO_SECTOR, 1 if kind == 5 else NO_SECTOR)
        + struct.pack("<IQ", first, size)
        for name, kind, first, size in entries
    )
    body = struct.pack("<128I", *table) + directory.ljust(512, b"\0")
    return header + body + stream.ljust(512 * count, b"\0")
