"""Files that appear complete or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from carbonflows_fast.errors import InputError, wrong

__all__ = ["replacing"]


@contextlib.contextmanager
def replacing(target: Path, argument: str) -> Iterator[Path]:
    """Give a path to write to, which takes the target's place when all went well.

    Raises
    ------
    InputError
        If the file cannot be written; `argument` names what said where.
    """
    # The extension stays at the end: pandas compresses by what it sees there.
    fresh = target.with_name(
        f".{target.stem}.{os.getpid()}-{secrets.token_hex(4)}.tmp{target.suffix}"
    )
    try:
        yield fresh
        os.replace(fresh, target)
    except OSError as error:
        raise InputError(
            wrong(argument, expected="a place that can be written",
                  got=f"{target} ({error.strerror or error})",
                  remedy="choose another folder, or make room")
        ) from error  # fmt: skip
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink()
