"""A progress bar for all files of a table: megabytes as they are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from carbonflows_fast._base.progress import progress_bar
from carbonflows_fast.readers._sources._files import Files

__all__ = ["reading"]


@contextmanager
def reading(
    files: Files, names: Iterable[str | None], progress: bool | None, title: str = ""
) -> Iterator[Files]:
    """Show a bar, and yield the same files, which report the bytes that are read to it.

    Parameters
    ----------
    files : Files
    names : iterable of str or None
        The files that are going to be read; those that are not there do not count.
    progress : bool, optional
        None: if standard error is a terminal.
    title : str
        What is read; else what the folder, zip or file is called.
    """
    megabytes = sum(files.sizes.get(name, 0) for name in set(names) if name) // 1_000_000
    with progress_bar(f"Reading {title or files.title} (MB)", megabytes, progress) as bar:
        yield files.counting(_Megabytes(bar.advance))


class _Megabytes:
    """Turns counts of bytes into steps of one megabyte."""

    def __init__(self, advance: Any) -> None:
        self._advance, self._bytes = advance, 0

    def __call__(self, count: int) -> None:
        before = self._bytes // 1_000_000
        self._bytes += count
        if self._bytes // 1_000_000 > before:
            self._advance(self._bytes // 1_000_000 - before)
