"""A progress bar for long calls: standard library only, silent unless somebody is watching."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Final, TextIO

from carbonflows_fast._base.arguments import one_of

__all__ = ["ProgressBar", "progress_bar"]

_WIDTH: Final = 24
_REDRAW_SECONDS: Final = 0.1  # drawing more often costs more than it shows


class ProgressBar:
    """A bar (or, where the total is unknown, a counter) on one line of a stream.

    Use it through `progress_bar`. `advance` may be called from several threads. On leaving the
    block the line ends, so that other output starts on a new line. After an exception the line says
    how far the work came.
    """

    def __init__(self, title: str, total: int | None, stream: TextIO | None, step: int = 1) -> None:
        self.title = title
        self.total = total
        self.step = step
        self.done = 0
        self._stream = stream
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._drawn_at = float("-inf")
        self._length = 0

    def advance(self, k: int = 1) -> None:
        """Say that `k` more steps are done."""
        with self._lock:
            self.done += k
            if self._stream is None:
                return
            if time.monotonic() - self._drawn_at >= _REDRAW_SECONDS:
                self._draw()

    def rename(self, title: str) -> None:
        """Say what is being done now; drawn at once."""
        with self._lock:
            self.title = title
            if self._stream is not None:
                self._draw()

    def __enter__(self) -> ProgressBar:
        if self._stream is not None:
            with self._lock:
                self._draw()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._stream is None:
            return
        with self._lock:
            self._draw(ending="" if kind is None else "  stopped")
            self._write("\n")

    def _line(self) -> str:
        seconds = time.monotonic() - self._started
        done = self.done // self.step
        if self.total is None:
            return f"{self.title}  {done}  {seconds:.1f} s"
        share = 1.0 if self.total <= 0 else min(max(self.done / self.total, 0.0), 1.0)
        filled = int(share * _WIDTH)
        bar = "#" * filled + "." * (_WIDTH - filled)
        return f"{self.title}  [{bar}] {done}/{self.total // self.step}  {seconds:.1f} s"

    def _draw(self, ending: str = "") -> None:
        line = self._line() + ending
        # Blanks cover the rest of a longer earlier line.
        self._write("\r" + line.ljust(self._length))
        self._length = len(line)
        self._drawn_at = time.monotonic()

    def _write(self, text: str) -> None:
        """Write to the stream; a stream that is gone must never stop the work it reports on."""
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._stream = None


def progress_bar(
    title: str, total: int | None, progress: bool | None = None, *, step: int = 1
) -> ProgressBar:
    """Return a context manager that shows how far a long call has come.

    Parameters
    ----------
    title : str
        What is being done.
    total : int or None
        Number of steps; None where it is not known (a counter without a bar).
    progress : bool or None
        None: a bar on standard error if that is a terminal, nothing elsewhere. True or False
        force it on or off.
    step : int
        What is shown as one: 1,000,000 shows bytes as megabytes.

    Raises
    ------
    InputError
        `progress` is none of None, True and False.

    Examples
    --------
    >>> with progress_bar("Reading", 3, progress=False) as bar:
    ...     for _ in range(3):
    ...         bar.advance()
    >>> bar.done
    3
    """
    known = (None, True, False)
    one_of("progress", progress, known, remedy="leave it out for a bar on a terminal only")
    stream: TextIO | None = sys.stderr  # None under pythonw and some services
    if progress is False or (progress is None and not _is_terminal(stream)):
        stream = None
    return ProgressBar(title, total, stream, step)


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except (AttributeError, ValueError):  # replaced or closed streams
        return False
