"""Zips: their members, what is refused, and how members are opened."""

from __future__ import annotations

import os
import re
import struct
import zipfile
import zlib
from contextlib import ExitStack
from errno import ENAMETOOLONG
from pathlib import Path
from typing import Any

from isal import isal_zlib

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._sources._read_ahead import Inflated, ReadAhead

__all__ = ["DAMAGE", "open_member", "open_zip", "unreadable"]

AHEAD_BYTES = 1 << 22
ENCRYPTED = 1
SAFE_COMPRESSION = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # at most 1032 times larger
END, END_BYTES, LONGEST_COMMENT = b"PK\5\6", 22, 1 << 16
UNCOUNTED = 0xFFFF  # of members, if their number is elsewhere

# What a damaged file can raise while it is read, most of it by zipfile; all become FormatError.
DAMAGE: Any = (
    zipfile.BadZipFile,
    zlib.error,
    isal_zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
    LookupError,
    OverflowError,
    UnicodeError,
    struct.error,
)


def unreadable(where: str, error: BaseException) -> FormatError:
    """Return the error for a file that is damaged, or that may not be read."""
    if isinstance(error, PermissionError):
        return FormatError.about(
            where,
            expected="a file or folder that you may read",
            got="no permission",
            remedy="have its owner give you the right, or copy it",
        )
    if isinstance(error, OSError) and error.errno == ENAMETOOLONG:
        return FormatError.about(
            f"{where[:40]}…",
            expected="the path of a table",
            got=f"a text of {len(where):,} characters, too long for a path",
            remedy="check the path",
        )
    return FormatError.about(
        where,
        expected="a complete and readable file",
        got=f"{type(error).__name__} ({error})",
        remedy="it is damaged or cut short, or you may not read it: download or copy it again",
    )


def open_zip(path: Path, stack: ExitStack) -> tuple[zipfile.ZipFile, dict[str, int]]:
    """Open a zip until the stack is left; return it and the sizes of its files.

    Checksums cover the content of files, not their names and number. A file that a damaged
    directory calls otherwise, or has lost, would be one that is not there, which many may do
    without: so the directory is compared with the header before each file, and with its own count.

    Raises
    ------
    FormatError
        If it is damaged, or a name leads out of it, or occurs twice, or a compression is unusual.
    """
    try:
        archive = stack.enter_context(zipfile.ZipFile(path))
        members = archive.infolist()
        count = _count(path)
        if count not in (len(members), UNCOUNTED):
            raise zipfile.BadZipFile(f"{len(members)} members instead of {count}")
        return archive, _sizes(str(path), archive, members)
    except DAMAGE as error:
        raise unreadable(str(path), error) from error


def _count(path: Path) -> int:
    """Return how many members a zip says that it has."""
    with path.open("rb") as file:
        file.seek(max(file.seek(0, os.SEEK_END) - END_BYTES - LONGEST_COMMENT, 0))
        tail = file.read()
    (count,) = struct.unpack_from("<H", tail, tail.rindex(END) + 10)
    return int(count)


def _sizes(where: str, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for info in members:
        # A damaged name may be empty, which zipfile's own is_dir does not expect.
        if info.filename.endswith("/") or info.filename.startswith("__MACOSX/"):
            continue
        parts = re.split(r"[/\\]", info.filename)
        problem = "a name that leads nowhere in it" if ".." in parts or not parts[0] else ""
        if info.filename in sizes:
            problem = "a name that stands twice"
        if info.compress_type not in SAFE_COMPRESSION:
            problem = f"compression of type {info.compress_type}"
        if info.flag_bits & ENCRYPTED:
            raise FormatError.about(
                where,
                expected="files that can be read without a password",
                got=f"an encrypted one ({info.filename!r})",
                remedy="unpack the zip with its password, and give the folder",
            )
        if problem:
            raise FormatError.about(
                where,
                expected="files inside the zip, stored or deflated",
                got=f"{problem} ({info.filename!r})",
                remedy="pack the files anew",
            )
        archive.open(info).close()  # compares the names
        sizes[info.filename] = info.file_size
    return sizes


def open_member(archive: zipfile.ZipFile, name: str) -> Any:
    """Open a member of a zip; a large one is unpacked by a thread of its own."""
    info = archive.getinfo(name)
    plain = info.compress_type == zipfile.ZIP_DEFLATED and not info.flag_bits & ENCRYPTED
    if plain and info.file_size > AHEAD_BYTES:
        return ReadAhead(Inflated(archive, info))
    return archive.open(info)
