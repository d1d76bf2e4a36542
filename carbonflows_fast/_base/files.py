"""Files that appear complete or not at all, and digests of what is asked of them."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import platform
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from carbonflows_fast.errors import InputError

__all__ = [
    "abandoned",
    "appearing",
    "check_new",
    "check_place",
    "digest_of",
    "fresh_name",
    "given_path",
    "replacing",
]


def digest_of(facts: Any, default: Callable[[Any], Any] | None = None) -> str:
    """Return a digest of what JSON can hold, or of what `default` makes of the rest."""
    text = json.dumps(facts, sort_keys=True, default=default).encode()
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def fresh_name(target: Path, suffix: str) -> Path:
    """Return a hidden path beside the target for what is not finished."""
    return target.parent / f"{_mark(target)}{os.getpid()}-{secrets.token_hex(4)}.tmp{suffix}"


def abandoned(target: Path) -> list[Path]:
    """Return what writers of the target that were killed on this machine have left behind."""
    mark, found = _mark(target), []
    for left in target.parent.glob(f"{glob.escape(mark)}*"):
        pid = left.name.removeprefix(mark).split("-")[0]
        if pid.isdigit() and not _runs(int(pid)):
            found.append(left)
    return found


def _mark(target: Path) -> str:
    """Return how the names of what this machine writes for the target begin."""
    return f".{target.name}.{platform.node()}-"


def _runs(pid: int) -> bool:
    """Whether a process may still run; if this cannot be found out without harm, True."""
    if os.name == "nt":  # signal 0 is Ctrl-C there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def given_path(argument: str, given: Any) -> Path:
    """Return an argument as a path, refusing what no file can be called.

    Raises
    ------
    InputError
        If it is no text or path, or has letters or a length that names of files have not.
    """
    got = type(given).__name__
    if isinstance(given, str | os.PathLike) and isinstance(os.fspath(given), str):
        got = f"{os.fspath(given)[:60]!r}"
        if not os.fspath(given):
            raise InputError.about(
                argument, expected="a path", got=got, remedy="say '.' for the folder one is in"
            )
        try:
            os.lstat(given)
            return Path(given)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return Path(given)
        except (OSError, ValueError) as error:
            got += f" ({getattr(error, 'strerror', None) or error})"
    raise InputError.about(
        argument, expected="a path", got=got, remedy="give the name of a file or a folder"
    )


def check_place(path: Path, argument: str) -> None:
    """Refuse a path at which no file can be written, before anything is computed for it.

    Raises
    ------
    InputError
        If it is a folder, or in none; `argument` names what said where.
    """
    if path.is_dir():
        expected, remedy = "a file", "give the name of a file in it"
        got = f"the folder {str(path)!r}"
    elif not path.parent.is_dir():
        expected, got = "a file in a folder that exists", repr(str(path))
        remedy = f"create the folder {str(path.parent)!r} first"
        if path.parent.exists():
            remedy = f"{str(path.parent)!r} is a file, so give another folder"
    else:
        return
    raise InputError.about(argument, expected=expected, got=got, remedy=remedy)


def check_new(path: Path, argument: str) -> None:
    """Refuse a path at which no new folder, or file called .zip, can appear.

    Raises
    ------
    InputError
        If something is there, other than an empty folder; `argument` names what said where.
    """
    empty = path.is_dir() and path.suffix.lower() != ".zip" and not any(path.iterdir())
    if (path.exists() or path.is_symlink()) and not empty:
        raise InputError.about(
            argument,
            expected="a new name, or an empty folder",
            got=f"{path}, which exists",
            remedy="choose another name, or delete it first",
        )
    if not path.parent.is_dir():
        raise InputError.about(
            argument,
            expected="a name in a folder that exists",
            got=str(path),
            remedy=f"make {path.parent} first",
        )


@contextlib.contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Give a path to write a file or a folder to; it appears at the end, or nothing does.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    partial = fresh_name(path, path.suffix)
    try:
        yield partial
        if path.is_dir():
            path.rmdir()  # empty, as checked; not every system renames onto a folder
        partial.rename(path)
    except OSError as error:
        raise InputError.about(
            "path",
            expected="a place that can be written to",
            got=f"{path} ({error})",
            remedy="choose another folder, or free some space; nothing was written",
        ) from error
    finally:
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(target: Path, argument: str) -> Iterator[Path]:
    """Give a path to write to, which takes the target's place when all went well.

    Raises
    ------
    InputError
        If the file cannot be written; `argument` names what said where.
    """
    target = Path(os.path.realpath(target))  # a link stays one
    # The extension stays at the end: pandas compresses by what it sees there.
    fresh = fresh_name(target, target.suffix)
    try:
        yield fresh
        os.replace(fresh, target)
    except OSError as error:
        raise InputError.about(
            argument,
            expected="a place that can be written",
            got=f"{target} ({error.strerror or error})",
            remedy="choose another folder, or make room",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink()
