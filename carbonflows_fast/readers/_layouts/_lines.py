"""Lines of text, of which several are one where a quoted cell goes on: headers have such labels."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

__all__ = ["whole_lines"]

QUOTE = b'"'
MOST_LINES = 32  # that one cell may take; a quote that stays open longer quotes nothing
UNCLOSED = "unexpected end of data"


def whole_lines(lines: Iterable[bytes], delimiter: str) -> Iterator[tuple[bytes, int]]:
    r"""Yield lines, those that one quoted cell joins as one, and how many each was.

    A quote that is never closed is part of a label, and its line stays alone.

    >>> list(whole_lines([b'a,"b\n', b'c",d\n', b'5" pipe,1\n'], ","))
    [(b'a,"b\nc",d\n', 2), (b'5" pipe,1\n', 1)]
    """
    source = iter(lines)
    ahead: deque[bytes] = deque()
    for first in source:
        if QUOTE not in first:  # most lines
            yield first, 1
            continue
        ahead.append(first)
        while ahead:
            line, count = ahead.popleft(), 1
            if line.count(QUOTE) % 2 and _is_open(line, delimiter):
                ahead.extend(islice(source, MOST_LINES - len(ahead)))
                count = _closed_after(line, ahead, delimiter)
                line += b"".join(ahead.popleft() for _ in range(count - 1))
            yield line, count


def _closed_after(line: bytes, ahead: Iterable[bytes], delimiter: str) -> int:
    """Return how many lines, this one included, close its quotes; 1 where none do."""
    for count, following in enumerate(ahead, start=2):
        line += following
        if following.count(QUOTE) % 2:
            return 1 if _is_open(line, delimiter) or _is_no_csv(line, delimiter) else count
    return 1


def _is_open(line: bytes, delimiter: str) -> bool:
    """Whether a cell begins with a quote that the line does not close."""
    return _complaint(line, delimiter) == UNCLOSED


def _is_no_csv(line: bytes, delimiter: str) -> bool:
    return bool(_complaint(line, delimiter))


def _complaint(line: bytes, delimiter: str) -> str:
    """Return what the csv module says against a line, "" where it is well formed."""
    try:
        # Latin-1 keeps every byte; only quotes and delimiters matter here.
        next(csv.reader([line.decode("latin-1").rstrip("\r\n")], delimiter=delimiter, strict=True))
    except csv.Error as error:
        return str(error)
    return ""
