"""Output to terminals, pipes and files that cannot take every character, or close early."""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from carbonflows_fast.errors import InputError

__all__ = ["PIPE_CLOSED", "complain", "prepare", "printable", "say", "silence", "width", "written"]

PIPE_CLOSED = 141  # what a shell says of a program that SIGPIPE ended
PLAIN = {"←": "<-", "→": "->", "−": "-", "–": "-", "—": "-", "×": "x", "·": "*", "…": "..."}
PLAIN |= {"≤": "<=", "≥": ">=", "Σ": "sum", "Δ": "d"}
"""How letters of ours are written where they cannot be."""


def _in_plain_letters(error: UnicodeError) -> tuple[str, int]:
    """Write what a stream cannot take in ASCII: é as e, and as an escape what has no likeness."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = ""
    for letter in error.object[error.start : error.end]:
        plain = PLAIN.get(letter) or unicodedata.normalize("NFKD", letter)
        plain = "".join(part for part in plain if not unicodedata.combining(part)) or plain
        text += plain.encode("ascii", "backslashreplace").decode("ascii")
    return text, error.end


HANDLER = "carbonflows_fast.plain"
codecs.register_error(HANDLER, _in_plain_letters)


def prepare() -> None:
    """Let both streams take every letter, in plainer ones if need be."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for good
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=HANDLER)


@contextmanager
def written() -> Iterator[None]:
    """See to it that standard output has taken everything, or say that it has not.

    Raises
    ------
    InputError
        If it is closed, or full.
    BrokenPipeError
        If nobody reads it any more.
    """
    if sys.stdout is None:
        raise InputError.about(
            "standard output",
            expected="a place to write to",
            got="a closed one",
            remedy=f"send it to a file, or to {os.devnull}",
        )
    try:
        yield
    finally:
        with _put():
            sys.stdout.flush()


def say(text: str = "") -> None:
    """Write a line to standard output."""
    with _put():
        sys.stdout.write(text + "\n")


def complain(text: str) -> None:
    """Write a line to standard error, if that can be."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        silence()


@contextmanager
def _put() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        silence()
        raise InputError.about(
            "standard output",
            expected="a place that can be written",
            got=str(error.strerror or error),
            remedy="make room, or send it elsewhere",
        ) from error


def silence() -> None:
    """Drop what is still to be written: it must not fail once more when Python closes streams."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # it has no file
            stream.flush()
            continue
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def printable(text: str) -> str:
    """Return what standard output makes of a text."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, HANDLER).decode(encoding)


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes.

    >>> width("steel"), width("鋼鉄"), width("é"), width("e\\u0301")
    (5, 4, 1, 1)
    """
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.category(letter) in ("Mn", "Me", "Cf")
        else 2
        if unicodedata.east_asian_width(letter) in "WF"
        else 1
        for letter in text
    )
