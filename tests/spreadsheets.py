"""Writers of small workbooks for tests: xlsx by openpyxl, and xlsb, which nothing on PyPI writes.

Of xlsb only what a reader needs: numbers, texts, rows and the names of sheets (MS-XLSB).
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
    """Write rows of cells from A1 on, None where empty; xlsb if the name ends so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".xlsb":
        return write_xlsb(path, sheets)
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
