"""Where a saved table lies: one folder per generation, and a small file that names the current one.

``path/carbonflows.json`` names the generation and the digest of its manifest;
``path/<generation>/`` holds the manifest, ``table.json``, and the arrays, and never changes.
Replacing a table makes another generation and replaces the small file. A reader reads that file
once, and therefore gets the old table or the new one. The earlier layout
(version 1) had all files in ``path``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, TypeVar

from carbonflows_fast._base.files import abandoned, fresh_name
from carbonflows_fast.errors import StoreError

__all__ = [
    "FORMAT",
    "MANIFEST",
    "POINTER",
    "VERSION",
    "Damage",
    "Generation",
    "consistent",
    "digest",
    "file_digest",
    "is_store",
    "opened",
    "read_small",
    "replacing",
    "standing",
]

FORMAT = "carbonflows_fast table"
VERSION = 2
POINTER, MANIFEST = "carbonflows.json", "table.json"
OLD_MANIFEST, OLD_DIGEST = "manifest.json", "manifest.blake2b"  # of version 1

NAME_LENGTH = 16
NAME = re.compile(rf"[0-9a-f]{{{NAME_LENGTH}}}")  # of a generation
POINTER_BYTES, MANIFEST_BYTES = 1 << 12, 1 << 28  # that are read at most
TRIES = 100  # to open a table that is replaced again and again meanwhile

Found = TypeVar("Found")


class Damage(Exception):
    """What is wrong with a saved table, without its path."""


@dataclass(frozen=True, slots=True)
class Generation:
    """A saved table as it is at one moment.

    Attributes
    ----------
    path : Path
        What users name.
    folder : Path
        Of the manifest and the arrays.
    manifest : str
        Name of that file.
    checksum : str
        Digest of the manifest, which holds the digests of the arrays: it names the content.
    version : int
        Of the layout.
    """

    path: Path
    folder: Path
    manifest: str
    checksum: str
    version: int

    def damaged(self, what: object) -> StoreError:
        """Return the complaint about a damage."""
        return _damaged(self.path, what)


def is_store(path: str | os.PathLike[str]) -> bool:
    """Return whether the folder is a saved table, as far as one may look into it.

    >>> is_store("nowhere")
    False
    """
    place = Path(path)
    # A save may turn the earlier layout into this one between two looks: hence the third.
    return any(look(place) for look in (_is_new, _is_old, _is_new))


def _is_new(place: Path) -> bool:
    return os.path.isfile(place / POINTER)


def _is_old(place: Path) -> bool:
    return os.path.isfile(place / OLD_MANIFEST) and os.path.isfile(place / OLD_DIGEST)


# ---- reading -------------------------------------------------------------------------------------


def standing(path: Path) -> Generation:
    """Return the current generation.

    Raises
    ------
    StoreError
        If there is none, or it is of another version.
    """
    if not is_store(path):
        what = "which does not exist" if not _is_there(path) else f"which has no {POINTER}"
        raise _wrong(
            path,
            "a saved table",
            what,
            "make one with cf.save(table, path), or read a text table with cf.read(path)",
        )
    try:
        if not os.path.lexists(path / POINTER):
            with suppress(_Replaced):
                return _old(path)
        text = read_small(path / POINTER, POINTER_BYTES)
        pointer = parsed(text, POINTER)
        require_version(path, pointer, VERSION)
        name: Any = pointer.get("generation")
        checksum = pointer.get("manifest")
        named = isinstance(name, str) and bool(NAME.fullmatch(name))
        if not named or not isinstance(checksum, str) or text != _pointer(name, checksum):
            raise Damage(f"{POINTER} differs from what was saved")
        if (path / name).is_symlink():
            raise Damage(f"{name} is a link instead of a folder")
    except Damage as what:
        raise _damaged(path, what) from what
    return Generation(path, path / name, MANIFEST, checksum, VERSION)


class _Replaced(Exception):
    """The earlier layout has just been replaced by this one."""


def _old(path: Path) -> Generation:
    try:
        checksum = read_small(path / OLD_DIGEST, POINTER_BYTES).decode("ascii", "replace")
    except Damage as what:
        if os.path.lexists(path / POINTER):
            raise _Replaced from what
        raise
    return Generation(path, path, OLD_MANIFEST, checksum, 1)


def consistent(path: Path, use: Callable[[Generation], Found]) -> Found:
    """Return what `use` makes of the current table, also if it is replaced meanwhile.

    Raises
    ------
    StoreError
        Raised by `use`, if the table was not replaced meanwhile.
    """
    for _ in range(TRIES):
        found = standing(path)
        try:
            return use(found)
        except StoreError:
            if standing(path) == found:
                raise
    raise _wrong(
        path,
        "a saved table that stands still",
        f"which was saved anew {TRIES} times while it was opened",
        "wait until that has ended",
    )


def _pointer(name: str, checksum: str) -> bytes:
    facts = {"format": FORMAT, "version": VERSION, "generation": name, "manifest": checksum}
    return json.dumps(facts, indent=1).encode()


def parsed(text: bytes, name: str) -> dict[str, Any]:
    """Return the fields of a JSON file."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Damage(f"{name} cannot be read as JSON ({error})") from error
    if not isinstance(found, dict):
        raise Damage(f"{name} holds a {type(found).__name__} instead of named fields")
    return found


def require_version(path: Path, facts: dict[str, Any], version: int) -> None:
    """Refuse files of another format or version."""
    if facts.get("format") != FORMAT:
        raise Damage(f"the format is {facts.get('format')!r} instead of {FORMAT!r}")
    found = facts.get("version")
    if type(found) is not int or found != version:
        raise StoreError.about(
            "path",
            expected=f"format version {VERSION} (or 1)",
            got=f"version {found!r} in {str(path)!r}",
            remedy="save the table again with this version of carbonflows_fast",
        )


def opened(file: Path) -> FileIO:
    """Open a plain file for reading: neither a link, which may lead anywhere, nor a device."""
    # Opening a pipe would wait for a writer.
    flags = ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC")
    try:
        if file.is_symlink():
            raise Damage(f"{file.name} is a link instead of a file")
        number = os.open(file, os.O_RDONLY | sum(getattr(os, flag, 0) for flag in flags))
    except OSError as error:
        raise Damage(f"{file.name} cannot be read ({error.strerror or error})") from error
    stream = os.fdopen(number, "rb", buffering=0)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        stream.close()
        raise Damage(f"{file.name} is not a plain file")
    return stream


def read_small(file: Path, most: int) -> bytes:
    """Return the content of a file that should be small."""
    try:
        with opened(file) as raw:
            size = os.fstat(raw.fileno()).st_size
            if size > most:
                raise Damage(f"{file.name} has {size:,} bytes, more than {most:,}")
            return raw.read(most) or b""
    except OSError as error:
        raise Damage(f"{file.name} cannot be read ({error.strerror or error})") from error


def digest(*parts: bytes | memoryview) -> str:
    """Return the BLAKE2b digest of bytes, one part after the other."""
    whole = hashlib.blake2b(digest_size=32)
    for part in parts:
        whole.update(part)
    return whole.hexdigest()


def file_digest(stream: FileIO) -> str:
    """Return the digest of a whole file."""
    stream.seek(0)
    return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=32)).hexdigest()


def _damaged(path: Path, what: object) -> StoreError:
    again = "save the table again from its source"
    return _wrong(path, "a complete saved table", f"where {what}", again)


def _wrong(path: Path, expected: str, what: str, remedy: str) -> StoreError:
    got = f"{str(path)!r}, {what}"
    return StoreError.about("path", expected=expected, got=got, remedy=remedy)


def _is_there(path: Path) -> bool:
    """Return whether there is such a folder, or raise if one may not know."""
    try:
        os.stat(path / POINTER)
    except PermissionError as error:
        raise _wrong(
            path,
            "a saved table that you may read",
            "without permission to look into it",
            "have its owner give you the right, or copy it",
        ) from error
    except (OSError, ValueError):
        return os.path.exists(path)
    return True


# ---- writing -------------------------------------------------------------------------------------


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a folder for a new generation; at the end it becomes current, in full or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in abandoned(target):
        if left.suffix == ".tmp":
            shutil.rmtree(left, ignore_errors=True)
    fresh, name = fresh_name(target, ""), secrets.token_hex(NAME_LENGTH // 2)
    (fresh / name).mkdir(parents=True)
    try:
        yield fresh / name
        checksum = digest((fresh / name / MANIFEST).read_bytes())
        (fresh / POINTER).write_bytes(_pointer(name, checksum))
        _let_stand(fresh, name, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _let_stand(fresh: Path, name: str, target: Path) -> None:
    if not is_store(target):
        try:
            fresh.replace(target)
            return
        except OSError:
            if not is_store(target):  # or else another process has just saved one there
                raise
    mark = fresh_name(target / name, "")
    mark.touch()
    try:
        (fresh / name).rename(target / name)
        os.replace(fresh / POINTER, target / POINTER)
    finally:
        mark.unlink(missing_ok=True)
    with suppress(OSError, StoreError):  # what cannot be removed now is removed by the next save
        _remove_replaced(target)


def _remove_replaced(target: Path) -> None:
    """Remove earlier generations and leftovers of killed saves; open tables keep their files if the
    system allows it (POSIX).

    A generation that another process is about to make current has a mark. One without a mark is
    either current or never will be again, so this looks for marks before the current generation.
    """
    names = {one.name.removeprefix(".")[:NAME_LENGTH] for one in target.iterdir()}
    for folder in [target / name for name in names if NAME.fullmatch(name)]:
        left = abandoned(folder)
        marked = set(target.glob(f".{folder.name}.*")).difference(left)
        if not marked and standing(target).folder != folder:
            shutil.rmtree(folder, ignore_errors=True)
        for mark in left:
            mark.unlink(missing_ok=True)
    if os.path.isfile(target / OLD_DIGEST):
        _remove_old(target)


def _remove_old(target: Path) -> None:
    """Remove the files of version 1, of which the manifest names the arrays, and no other ones."""
    with suppress(Damage, FileNotFoundError):
        manifest = parsed(read_small(target / OLD_MANIFEST, MANIFEST_BYTES), OLD_MANIFEST)
        for name in manifest.get("files", ()):
            (target / f"{Path(name).name}.npy").unlink(missing_ok=True)
        (target / OLD_MANIFEST).unlink()
    (target / OLD_DIGEST).unlink()
