"""A progress bar for all files of a table: megabytes as they are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

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
    total = sum(files.sizes.get(name, 0) for name in set(names) if name)
    title = f"Reading {title or files.title} (MB)"
    with progress_bar(title, total, progress, step=1_000_000) as bar:
        yield files.counting(bar.advance)
