"""The files of a text table, in a folder or inside a zip, which is never unpacked."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import IO, Any

from carbonflows_fast.errors import FormatError, shorten, wrong

__all__ = ["TextFolder", "open_text_folder"]

BUFFER_BYTES = 1 << 20

# What a damaged file can raise while it is read; all become FormatError.
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)


@dataclass(frozen=True)
class TextFolder:
    """The files at and below one folder, on disk or inside a zip.

    Attributes
    ----------
    path : Path
        The folder or zip that the user named.
    root : str
        The folder within it that names are relative to, "" or with a slash at the end.
    sizes : dict of str to int
        Files by their name relative to `root` ("co2/F.txt"), with their size in bytes.
    archive : zipfile.ZipFile or None
    on_bytes : callable
        Told how many bytes were read, for a progress bar.
    """

    path: Path
    root: str
    sizes: dict[str, int]
    archive: zipfile.ZipFile | None = None
    on_bytes: Callable[[int], object] = field(default=lambda count: None)

    def __contains__(self, name: str) -> bool:
        return name in self.sizes

    def where(self, name: str) -> str:
        """Return how errors call a file: the given path, then the way inside it."""
        return str(self.path / self.root / name)

    def folders(self) -> list[str]:
        """Return the names of the sub-folders, in alphabetical order."""
        parents = {name.split("/", 1)[0] for name in self.sizes if "/" in name}
        return sorted(parents)

    def _open(self, name: str) -> IO[bytes]:
        if self.archive is None:
            return open(self.path / self.root / name, "rb", buffering=BUFFER_BYTES)
        # A zip member reads itself in small steps; the buffer makes long lines cheap.
        member: Any = self.archive.open(self.root + name)
        return BufferedReader(member, BUFFER_BYTES)

    def lines(self, name: str) -> Iterator[tuple[int, bytes]]:
        """Yield line number (from 1) and line, without line end; blank lines are left out.

        Raises
        ------
        FormatError
            If the file is missing, cut short or damaged.
        """
        if name not in self:
            raise FormatError(
                wrong(
                    self.where(name),
                    expected="a text file",
                    got="nothing of this name",
                    remedy="restore the file, or read another copy of the table",
                )
            )
        try:
            with self._open(name) as handle:
                for number, line in enumerate(handle, start=1):
                    self.on_bytes(len(line))
                    line = line.rstrip(b"\r\n")
                    if number == 1:
                        line = line.removeprefix(b"\xef\xbb\xbf")  # byte order mark
                    if line:
                        yield number, line
        except DAMAGE as error:
            raise _unreadable(self.where(name), error) from error

    def json(self, name: str) -> dict[str, Any]:
        """Return the object in a JSON file, {} if there is no such file.

        Raises
        ------
        FormatError
            If it is not a JSON object.
        """
        if name not in self:
            return {}
        text = b"\n".join(line for _, line in self.lines(name))
        try:
            content = json.loads(text)
            if not isinstance(content, dict):
                raise ValueError(f"a {type(content).__name__}")
        except ValueError as error:  # also JSONDecodeError and UnicodeDecodeError
            raise FormatError(
                wrong(
                    self.where(name),
                    expected="a JSON object",
                    got=str(error),
                    remedy="restore the file, or delete it: the reader does without",
                )
            ) from error
        return content


def _unreadable(where: str, error: BaseException) -> FormatError:
    return FormatError(
        wrong(
            where,
            expected="a complete and readable file",
            got=f"{type(error).__name__} ({error})",
            remedy="it is damaged or cut short, or you may not read it: download or copy it again",
        )
    )


def _disk_files(folder: Path, depth: int) -> Iterator[tuple[str, int]]:
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_file():
            yield entry.name, entry.stat().st_size
        elif depth and entry.is_dir():
            for name, size in _disk_files(entry, depth - 1):
                yield f"{entry.name}/{name}", size


def _root(path: Path, sizes: Iterable[str], marker: str, looked_for: str) -> str:
    """Return the folder that holds the marker file, the one nearest to the top."""
    found = [name.removesuffix(marker) for name in sizes if f"/{name}".endswith(f"/{marker}")]
    if not found:
        top = sorted({name.split("/", 1)[0] for name in sizes})
        raise FormatError(
            wrong(
                str(path),
                expected=f"a table in a known layout (looked for {looked_for})",
                got=f"{shorten(top) or 'nothing'}",
                remedy="give the folder or the zip that holds these files",
            )
        )
    depth = min(root.count("/") for root in found)
    highest = sorted(root for root in found if root.count("/") == depth)
    if len(highest) > 1:
        raise FormatError(
            wrong(
                str(path),
                expected="one table",
                got=f"{len(highest)}: {shorten(highest)}",
                remedy="give the path of one of them (a zip: unpack it first)",
            )
        )
    return highest[0]


@contextmanager
def open_text_folder(path: Path, marker: str, looked_for: str) -> Iterator[TextFolder]:
    """Find the folder of a table, which may lie below a prefix folder, and open it.

    Parameters
    ----------
    path : Path
        A folder, one that holds it, or a zip.
    marker : str
        A file that the folder must hold.
    looked_for : str
        What the layout consists of, for the error.

    Raises
    ------
    FormatError
        If nothing is there, or a zip is damaged or cut short, or there is no such table in it,
        or more than one.
    """
    if path.is_dir():
        try:
            files = dict(_disk_files(path, depth=2))
        except OSError as error:
            raise _unreadable(str(path), error) from error
        yield _below(path, _root(path, files, marker, looked_for), files, None)
        return
    if not path.is_file():
        raise FormatError(
            wrong(
                str(path),
                expected="a folder or a zip file",
                got="nothing of this name",
                remedy="check the path",
            )
        )
    if path.suffix.lower() != ".zip" and not zipfile.is_zipfile(path):
        raise FormatError(
            wrong(
                str(path),
                expected=f"a table in a known layout, a folder or zip (looked for {looked_for})",
                got="a single file",
                remedy="give the folder or the zip that holds the table",
            )
        )
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGE as error:
        raise _unreadable(str(path), error) from error
    with archive:
        files = {
            info.filename: info.file_size
            for info in archive.infolist()
            if not info.is_dir() and not info.filename.startswith("__MACOSX/")
        }
        yield _below(path, _root(path, files, marker, looked_for), files, archive)


def _below(
    path: Path, root: str, files: dict[str, int], archive: zipfile.ZipFile | None
) -> TextFolder:
    """Return the part of the files that lies in the root and one folder below it."""
    sizes = {
        name.removeprefix(root): size
        for name, size in files.items()
        if name.startswith(root) and name.removeprefix(root).count("/") <= 1
    }
    return TextFolder(path, root, sizes, archive)
