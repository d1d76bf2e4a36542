"""The files of a table, in a folder or inside zips, which are never unpacked."""

from __future__ import annotations

import json
import logging
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from io import BufferedReader, BytesIO
from itertools import repeat
from pathlib import Path
from typing import IO, Any

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._layouts._lines import whole_lines
from carbonflows_fast.readers._sources._zips import DAMAGE, open_member, unreadable

__all__ = ["DEPTH", "Files"]

logger = logging.getLogger(__name__)

BUFFER_BYTES = 1 << 20
DEPTH = 3  # folders below the one given that are looked into
LINE_BYTES = 1 << 26  # a line of 40,000 numbers takes a megabyte; what is longer is no table
BLANK_LINES = 1_000_000  # in one file; each takes as long as a short one with numbers
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
WHOLE_BYTES = 1 << 31  # of files that are read at once
JSON_BYTES = 1 << 25  # of lists and notes; what is made of them takes up to 24 times as much
PACKED_BYTES, PACKED = 1 << 26, 100  # a larger member unpacks to at most 100 times its size
CELL_BYTES = 64  # of a number in a JSON file, with the blanks around it
QUOTED = re.compile(rb'"[^"]*"')
LINE_END = b"\r\n"

NAMES: dict[type, str] = {dict: "object", list: "list"}


@dataclass(frozen=True)
class Files:
    """The files at and below one folder, on disk or inside zips.

    Attributes
    ----------
    path : Path
        The folder, zip or single file that the user named.
    root : str
        The folder within it that names are relative to, "" or with a slash at the end.
    sizes : dict of str to int
        Files by their name relative to `root` ("co2/F.txt"), with their size in bytes. A zip
        beside other files counts as a folder ("ICIO.zip/2019_SML.csv").
    archives : dict of str to zipfile.ZipFile
        Open zips by the way to them, "" if the path is one itself.
    broken : dict of str to FormatError
        Zips in a folder that cannot be opened, and why; their tables are unknown.
    opened : set of str
        The files that were read so far, by the whole way from the path.
    on_bytes : callable
        Told how many bytes were read, for a progress bar.
    blanks : {"error", "zero"}
        What an empty cell is among numbers.
    """

    path: Path
    root: str
    sizes: dict[str, int]
    archives: dict[str, zipfile.ZipFile] = field(default_factory=dict)
    broken: dict[str, FormatError] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)
    on_bytes: Callable[[int], object] = field(default=lambda count: None)
    blanks: str = "error"

    def __contains__(self, name: str) -> bool:
        return name in self.sizes

    @property
    def title(self) -> str:
        """What the folder is called, or the zip where the files lie at its top."""
        name = self.root.rstrip("/").rsplit("/", 1)[-1] or self.path.absolute().name
        return name[:-4] if name.lower().endswith(".zip") else name

    def where(self, name: str) -> str:
        """Return how errors call a file: the given path, then the way inside it."""
        if not self.path.is_dir() and not self.archives:
            return str(self.path)
        return str(self.path / self.root / name)

    def on_disk(self, name: str) -> Path:
        """Return the file that holds a file: itself, or the zip that it is in."""
        return self.on_disk_whole(self.root + name)

    def on_disk_whole(self, full: str) -> Path:
        """Return the file that holds a file, by its whole way from the path."""
        for prefix in self.archives:
            if full.startswith(prefix):
                return self.path / prefix.rstrip("/") if prefix else self.path
        return self.path / full if self.path.is_dir() else self.path

    def folders(self) -> list[str]:
        """Return the names of the sub-folders, in alphabetical order."""
        return sorted({name.split("/", 1)[0] for name in self.sizes if "/" in name})

    def is_whole(self, root: str) -> bool:
        """Return whether the files in a folder's own sub-folders are listed, not only its files."""
        zipped = any((self.root + root).startswith(prefix) for prefix in self.archives)
        return zipped or root.count("/") < DEPTH

    def matching(self, pattern: str) -> list[tuple[str, re.Match[str]]]:
        """Return the files whose last part the pattern fits in full, in order, in any case."""
        compiled = re.compile(pattern, re.IGNORECASE)
        found = [(name, compiled.fullmatch(name.rsplit("/", 1)[-1])) for name in sorted(self.sizes)]
        return [(name, match) for name, match in found if match]

    def below(self, root: str) -> Files:
        """Return the part that lies in a folder, its name with a slash at the end."""
        sizes = {n.removeprefix(root): s for n, s in self.sizes.items() if n.startswith(root)}
        return replace(self, root=self.root + root, sizes=sizes)

    def counting(self, on_bytes: Callable[[int], object]) -> Files:
        """Return the same files, telling how many bytes are read."""
        return replace(self, on_bytes=on_bytes)

    def with_blanks(self, blanks: str) -> Files:
        """Return the same files, where empty cells are an error, or zero."""
        return replace(self, blanks=blanks)

    def open(self, name: str) -> IO[bytes]:
        """Open a file for reading.

        Raises
        ------
        FormatError
            If it is not there, or cannot be opened.
        """
        if name not in self:
            raise FormatError.about(
                self.where(name),
                expected="a file",
                got="nothing of this name",
                remedy="restore the file, or read another copy of the table",
            )
        full = self.root + name
        self.opened.add(full)
        try:
            for prefix, archive in self.archives.items():
                if full.startswith(prefix):
                    # A zip member reads itself in small steps; the buffer makes long lines cheap.
                    return BufferedReader(
                        open_member(archive, full.removeprefix(prefix)), BUFFER_BYTES
                    )
            return open(self.on_disk(name), "rb", buffering=BUFFER_BYTES)
        except DAMAGE as error:
            raise unreadable(self.where(name), error) from error

    @contextmanager
    def seekable(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file in which one can jump: one in a zip is unpacked into memory.

        `on_bytes` is not called.

        Raises
        ------
        FormatError
            If it is not there, damaged, or too large to be what it should be.
        """
        full = self.root + name
        if any(full.startswith(prefix) for prefix in self.archives):
            yield BytesIO(self.counting(lambda count: None).content(name))
            return
        with self.open(name) as handle:
            yield handle

    def lines(
        self, name: str, delimiter: str | None = None, *, ends: bool = False
    ) -> Iterator[tuple[int, bytes]]:
        """Yield line number (from 1) and line, without line end; blank lines are left out.

        With `ends` a line may have its end, so that it need not be copied.
        With a delimiter, a quoted cell may go on over several lines, which then come as one with
        the number of its first. A last line without line end, which may be cut within a number,
        is logged as a warning.

        Raises
        ------
        FormatError
            If the file is missing, cut short or damaged, or is no text.
        """
        number, blank, unsaid = 1, 0, 0
        line = b"\n"
        try:
            with self.open(name) as handle:
                single = iter(partial(handle.readline, LINE_BYTES), b"")
                joined = whole_lines(single, delimiter) if delimiter else zip(single, repeat(1))
                for line, count in joined:
                    unsaid += len(line)
                    if unsaid >= BUFFER_BYTES:  # a bar that hears of every line takes longer
                        self.on_bytes(unsaid)
                        unsaid = 0
                    if len(line) >= LINE_BYTES:
                        raise self._no_lines(name, number, LINE_BYTES)
                    as_it_is = ends and number > 1 and line[:1] not in LINE_END
                    text = line if as_it_is else line.rstrip(LINE_END)
                    if number == 1:
                        text = text.removeprefix(BYTE_ORDER_MARK)
                        self._refuse_carriage_returns(name, text)
                    if text:
                        yield number, text
                    else:
                        blank += 1
                        if blank > BLANK_LINES:
                            got = f"more than {BLANK_LINES:,} blank ones"
                            raise self._not_text(name, number, got)
                    number += count
                self.on_bytes(unsaid)
        except DAMAGE as error:
            raise unreadable(self.where(name), error) from error
        self._warn_of_cut(name, line.endswith(b"\n"))

    def blocks(self, name: str, size: int) -> Iterator[tuple[int, bytes]]:
        """Yield blocks of whole lines, some `size` bytes each, with the number of their first.

        No line may be longer than a block. A last line without line end is logged as in `lines`.

        Raises
        ------
        FormatError
            If the file is missing, cut short or damaged, or is no text.
        """
        number, ended = 1, True
        try:
            with self.open(name) as handle:
                while block := handle.read(size):
                    rest = handle.readline(size)
                    if len(rest) == size:
                        raise self._no_lines(name, number + block.count(b"\n"), size)
                    block += rest
                    ended = block.endswith(b"\n")
                    self.on_bytes(len(block))
                    if number == 1:
                        block = block.removeprefix(BYTE_ORDER_MARK)
                        self._refuse_carriage_returns(name, block.partition(b"\n")[0])
                    yield number, block
                    number += block.count(b"\n")
        except DAMAGE as error:
            raise unreadable(self.where(name), error) from error
        self._warn_of_cut(name, ended)

    def _no_lines(self, name: str, number: int, longest: int) -> FormatError:
        return self._not_text(name, number, f"more than {longest >> 10:,} kB without a line end")

    def _not_text(self, name: str, number: int, got: str) -> FormatError:
        return FormatError.about(
            f"{self.where(name)}, line {number}",
            expected="lines of text",
            got=got,
            remedy="this is no table in a known layout",
        )

    def _refuse_carriage_returns(self, name: str, line: bytes) -> None:
        """Refuse a first line that goes on after a carriage return: it is the whole file."""
        if b"\r" in QUOTED.sub(b"", line).rstrip(b"\r"):
            raise FormatError.about(
                self.where(name),
                expected="lines that end by line feed",
                got="lines that end by carriage return alone, as old Macs wrote them",
                remedy="save the file anew as CSV or text with line feeds",
            )

    def _warn_of_cut(self, name: str, ended: bool) -> None:
        """Log a last line without line end: its last number may have lost digits."""
        if not ended:
            logger.warning(
                "%s: no line end after the last line: is the file cut short?", self.where(name)
            )

    def content(self, name: str) -> bytes:
        """Return all bytes of a file.

        Raises
        ------
        FormatError
            If it is missing, damaged, or too large to be what it should be.
        """
        if self.sizes.get(name, 0) > WHOLE_BYTES:
            raise FormatError.about(
                self.where(name),
                expected=f"a file of at most {WHOLE_BYTES >> 30} GB",
                got=f"{self.sizes[name] / 1e9:.1f} GB",
                remedy="this is no table in a known layout",
            )
        self._refuse_inflated(name)
        try:
            with self.open(name) as handle:
                content = handle.read()
        except DAMAGE as error:
            raise unreadable(self.where(name), error) from error
        self.on_bytes(len(content))
        return content

    def _refuse_inflated(self, name: str) -> None:
        """Refuse a member of a zip that would fill memory from nearly nothing."""
        full = self.root + name
        for prefix, archive in self.archives.items():
            if full.startswith(prefix) and self.sizes[name] > PACKED_BYTES:
                packed = archive.getinfo(full.removeprefix(prefix)).compress_size
                if self.sizes[name] > PACKED * packed:
                    raise FormatError.about(
                        self.where(name),
                        got=f"{self.sizes[name] / packed:.0f} times",
                        expected=f"a file that is packed to no less than a {PACKED}th",
                        remedy="this is no table in a known layout; if it is one, unpack it",
                    )

    def json(self, name: str, kind: type = dict, cells: int | None = None) -> Any:
        """Return the object (or list) in a JSON file, an empty one if there is no such file.

        Parameters
        ----------
        name : str
        kind : type
            dict or list.
        cells : int, optional
            How many numbers it may hold, where it is a matrix; it is not parsed if it has more.

        Raises
        ------
        FormatError
            If it is something else, or too large to be what it should be.
        """
        if name not in self:
            return kind()
        most = JSON_BYTES if cells is None else JSON_BYTES + CELL_BYTES * cells
        if self.sizes[name] > most:
            raise FormatError.about(
                self.where(name),
                expected=f"a file of at most {most >> 20} MB",
                got=f"{self.sizes[name] / 1e6:.0f} MB",
                remedy="restore the file",
            )
        try:
            text = self.content(name)
            if cells is not None and text.count(b",") > 2 * cells:  # else it is said which row
                raise ValueError(f"{text.count(b',') + 1} numbers where there should be {cells}")
            content = json.loads(text)
            if not isinstance(content, kind):
                raise ValueError(f"a {type(content).__name__}")
        except (ValueError, RecursionError) as error:  # also of decoding
            raise FormatError.about(
                self.where(name),
                expected=f"a JSON {NAMES[kind]}",
                got=str(error),
                remedy="the file is damaged or cut short: restore it",
            ) from error
        return content
