"""Saved tables: a folder of plain .npy arrays and one JSON file, opened without reading them.

A store holds A once, as the solver's own tiles, and the factored blocks beside it, so that an
opened table is ready to solve. Arrays are memory-mapped read-only. ``manifest.json`` holds labels,
the format version, and the size and digest of every array; ``manifest.blake2b`` is the digest of
the manifest, so that a change of any bit is found by ``open(verify=True)``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from carbonflows_fast import _core
from carbonflows_fast import table as _table
from carbonflows_fast._atomic import abandoned, fresh_name, given_path
from carbonflows_fast._exchange import exchange
from carbonflows_fast._machine import thread_count
from carbonflows_fast._parts import Parts, locked
from carbonflows_fast._table_argument import required_table
from carbonflows_fast._threads import ThreadPool
from carbonflows_fast._tiles import RegionTiles
from carbonflows_fast.errors import StoreError, wrong
from carbonflows_fast.leontief import LeontiefSystem, row_names, system
from carbonflows_fast.table import Table

__all__ = ["FORMAT", "VERSION", "checksum", "is_store", "manifest_of", "open",
           "require_replaceable", "save", "save_from"]  # fmt: skip

FORMAT = "carbonflows_fast table"
VERSION = 1

MANIFEST, DIGEST = "manifest.json", "manifest.blake2b"
TEXT_FIELDS = ("regions", "sectors", "categories", "stressors", "extensions", "stressor_units")
CODE_FIELDS = ("region_codes", "sector_codes", "demand_codes", "category_codes", "row_unit_codes")
MAPPED_FROM = 1 << 16  # smaller files are simply read
VERIFIED_BELOW = 1 << 20  # files that cost nothing to verify are verified at every opening


def is_store(path: str | os.PathLike[str]) -> bool:
    """Return whether the folder is a saved table, as far as one may look into it.

    >>> is_store("nowhere")
    False
    """
    return os.path.isfile(Path(path) / MANIFEST)


def save(table: Table, path: str | os.PathLike[str]) -> Path:
    """Save a table so that it opens at once, ready to solve.

    The folder appears complete or not at all; a saved table that stands there is replaced.

    Parameters
    ----------
    table : Table
    path : path
        A new folder, or a saved table to replace.

    Returns
    -------
    Path

    Raises
    ------
    StoreError
        If the path is something else than a saved table, or cannot be written.

    Examples
    --------
    >>> import tempfile, pathlib, carbonflows_fast as cf
    >>> table = cf.synthetic.world(2, 3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = cf.save(table, pathlib.Path(folder) / "world")
    ...     cf.open(path).equals(table)
    True
    """
    return save_from(required_table("table", table), path, None)


def save_from(table: Table, path: str | os.PathLike[str], origin: Any) -> Path:
    """Save a table as :func:`save` does, and note what it was made from.

    Raises
    ------
    StoreError
        As for :func:`save`.
    """
    target = given_path("path", path).resolve()
    require_replaceable(target)
    arrays, manifest = _content(table)
    manifest["origin"] = origin
    try:
        with _replacing(target) as folder:
            with ThreadPool(4) as pool:
                records = pool.map(lambda item: _write_array(folder, *item), arrays.items())
                manifest["files"] = dict(zip(arrays, records))
            text = json.dumps(manifest, indent=1).encode()
            (folder / MANIFEST).write_bytes(text)
            (folder / DIGEST).write_text(_digest(text))
    except OSError as error:
        raise StoreError(
            f"path: expected a folder that can be written, got {str(target)!r} ({error}); "
            "choose another place, or make room"
        ) from error
    return target


def require_replaceable(path: str | os.PathLike[str], argument: str = "path") -> None:
    """Refuse to save where something stands that is not ours: :func:`save` asks this first.

    Raises
    ------
    StoreError
        If it is neither new, nor an empty folder, nor a saved table; `argument` names what said
        where.
    """
    target = Path(path).resolve()
    if not os.path.lexists(target) or is_store(target):
        return
    if target.is_dir() and not any(target.iterdir()):
        return
    raise StoreError(
        wrong(
            argument,
            expected="a new folder or a saved table to replace",
            got=f"{str(target)!r}, which is something else",
            remedy="choose another path",
        )
    )


def open(path: str | os.PathLike[str], verify: bool = False) -> Table:
    """Open a saved table; nothing large is read before it is used.

    Parameters
    ----------
    path : path
        The folder that :func:`save` wrote.
    verify : bool
        Read everything and compare it with the digests; small files always are.

    Returns
    -------
    Table
        Memory-mapped and read-only; it pickles by path.

    Raises
    ------
    StoreError
        If it is no saved table, of another format version, incomplete, or (verified) differs in
        any byte from what was saved.

    Examples
    --------
    >>> import tempfile, pathlib, carbonflows_fast as cf
    >>> table = cf.synthetic.world(2, 3)
    >>> path = cf.save(table, pathlib.Path(tempfile.mkdtemp()) / "2019")
    >>> cf.open(path, verify=True).equals(table)
    True
    """
    thread_count()  # a wrong environment is no damage to the store
    folder = Path(path).absolute()
    manifest = _read_manifest(folder)
    _verify(folder, manifest["files"], most=None if verify else VERIFIED_BELOW)
    arrays = {
        name: _read_array(folder, name, manifest["files"][name]) for name in manifest["files"]
    }
    try:
        return _assemble(folder, manifest, arrays)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise _damaged(folder, f"its parts do not fit together ({error!r})") from error


def manifest_of(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return labels and facts of a saved table without its arrays.

    Raises
    ------
    StoreError
        As for :func:`open`.
    """
    return _read_manifest(Path(path).absolute())


def checksum(path: str | os.PathLike[str]) -> str:
    """Return the digest that names the content of a saved table.

    Raises
    ------
    StoreError
        If there is none.
    """
    try:
        return _digest((Path(path) / MANIFEST).read_bytes())
    except OSError as error:
        raise _damaged(Path(path), str(error)) from error


# ---- writing -------------------------------------------------------------------------------------


def _content(table: Table) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arrays by name, and the manifest without its list of files."""
    parts = table._parts
    prepared = system(table)
    tiles = prepared.tiles
    factors, pivots = prepared._sweeps.factors(False, 1)
    arrays: dict[str, Any] = {
        "starts": tiles.starts,
        "entries": tiles.core.entries,
        "masks": tiles.core.masks,
        "values": tiles.core.values,
        "order": tiles.order,
        "factors": factors,
        "pivots": pivots,
        "x": table.x.to_numpy(),
        "Y": parts.Y,
        "emissions": parts.emissions,
        "F_Y": parts.F_Y,
        "population": parts.population,
    }
    arrays |= {name: getattr(parts, name) for name in CODE_FIELDS}
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "name": parts.name,
        "year": parts.year,
        "emissions_kind": parts.emissions_kind,
        "nonnegative": prepared.nonnegative,
        **{name: list(getattr(parts, name)) for name in (*TEXT_FIELDS, "row_units")},
    }
    return {name: array for name, array in arrays.items() if array is not None}, manifest


def _write_array(folder: Path, name: str, array: Any) -> dict[str, Any]:
    file = folder / f"{name}.npy"
    np.save(file, array, allow_pickle=False)
    return {"bytes": file.stat().st_size, "blake2b": _file_digest(file)}


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """Give a fresh folder beside the target, and put it in the target's place at the end."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep_up(target)
    fresh = fresh_name(target, "")
    fresh.mkdir()
    try:
        yield fresh
        if not is_store(target):
            fresh.replace(target)
        elif not exchange(fresh, target):
            old = fresh.with_suffix(".old")
            target.rename(old)
            fresh.rename(target)
            shutil.rmtree(old)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)  # by now perhaps the table that was replaced


def _sweep_up(target: Path) -> None:
    """Remove what saves that were killed on this machine have left behind."""
    for left in abandoned(target):
        if left.suffix == ".old" and not target.exists():
            left.rename(target)  # killed between two renames
        elif left.suffix in (".old", ".tmp"):
            shutil.rmtree(left, ignore_errors=True)


# ---- reading -------------------------------------------------------------------------------------


def _damaged(folder: Path, what: str) -> StoreError:
    return StoreError(
        f"path: expected a complete saved table, got {str(folder)!r}, where {what}; "
        "save the table again from its source"
    )


def _read_manifest(folder: Path) -> dict[str, Any]:
    if not is_store(folder):
        what = "which does not exist" if not _is_there(folder) else f"which has no {MANIFEST}"
        raise StoreError(
            f"path: expected a saved table, got {str(folder)!r}, {what}; make one with "
            "cf.save(table, path), or read a text table with cf.read(path)"
        )
    try:
        text = (folder / MANIFEST).read_bytes()
        expected = (folder / DIGEST).read_bytes()
    except OSError as error:
        raise _damaged(folder, str(error)) from error
    if _digest(text).encode() != expected:
        raise _damaged(folder, f"{MANIFEST} differs from what was saved")
    manifest: dict[str, Any] = json.loads(text)
    if manifest.get("format") != FORMAT or manifest.get("version") != VERSION:
        raise StoreError(
            f"path: expected format version {VERSION}, got version {manifest.get('version')} in "
            f"{str(folder)!r}; save the table again with this version of carbonflows_fast"
        )
    return manifest


def _is_there(folder: Path) -> bool:
    """Return whether there is such a folder, or raise if one may not know."""
    try:
        os.stat(folder / MANIFEST)
    except PermissionError as error:
        raise StoreError(
            f"path: expected a saved table that you may read, got {str(folder)!r}, without "
            "permission to look into it; have its owner give you the right, or copy it"
        ) from error
    except (OSError, ValueError):
        return os.path.exists(folder)
    return True


def _read_array(folder: Path, name: str, record: dict[str, Any]) -> Any:
    file = folder / f"{name}.npy"
    try:
        size = file.stat().st_size
        if size != record["bytes"]:
            raise _damaged(folder, f"{file.name} has {size} bytes instead of {record['bytes']}")
        mode: Any = "r" if size >= MAPPED_FROM else None
        array = np.load(file, mmap_mode=mode, allow_pickle=False)
    except StoreError:
        raise
    except Exception as error:  # a damaged header makes NumPy raise nearly anything
        raise _damaged(folder, f"{file.name} cannot be read ({error})") from error
    return locked(array.view(np.ndarray))


def _verify(folder: Path, files: dict[str, Any], most: int | None) -> None:
    """Compare the files with their digests, those up to `most` bytes if that is given."""
    for name, record in files.items():
        if most is not None and record["bytes"] > most:
            continue
        file = folder / f"{name}.npy"
        try:
            found = _file_digest(file)
        except OSError as error:
            raise _damaged(folder, f"{file.name} cannot be read ({error})") from error
        if found != record["blake2b"]:
            raise _damaged(folder, f"{file.name} differs from what was saved")


def _assemble(folder: Path, manifest: dict[str, Any], arrays: dict[str, Any]) -> Table:
    _check_layout(folder, arrays)
    core = _core.Tiles(arrays["starts"], arrays["entries"], arrays["masks"], arrays["values"])
    tiles = RegionTiles(core, arrays.get("order"))
    labels: dict[str, Any] = {name: tuple(manifest[name]) for name in TEXT_FIELDS}
    codes: dict[str, Any] = {name: arrays[name] for name in CODE_FIELDS}
    parts = Parts(
        matrix=tiles,
        kind="A",
        x=arrays["x"],
        Y=arrays["Y"],
        emissions=arrays["emissions"],
        emissions_kind=manifest["emissions_kind"],
        F_Y=arrays.get("F_Y"),
        population=arrays.get("population"),
        year=manifest["year"],
        name=manifest["name"],
        row_units=tuple(manifest["row_units"]),
        **labels,
        **codes,
    )
    table = Table._from_parts(parts, path=folder)
    table._cache["system"] = LeontiefSystem(
        tiles,
        row_names(parts),
        factors=(arrays["factors"], arrays["pivots"]),
        nonnegative=manifest["nonnegative"],
    )
    return table


def _check_layout(folder: Path, arrays: dict[str, Any]) -> None:
    """Refuse tiles that point outside their arrays: the core trusts them."""
    starts, entries = arrays["starts"], arrays["entries"]
    blocks = starts.size - 1
    sizes = np.diff(starts)
    n = arrays["x"].size
    fits = (
        entries.shape == (blocks, blocks, 4)
        and starts[0] == 0
        and starts[-1] == n
        and bool((sizes > 0).all() and (sizes <= _core.max_block).all())
        and arrays["pivots"].shape == (n,)
        and arrays["factors"].shape == (int((sizes**2).sum()),)
    )
    if fits:
        kind, first_value, first_mask, count = np.moveaxis(entries, 2, 0)
        rows, columns = sizes[:, None], sizes[None, :]
        value_ends = first_value + np.where(kind == 1, rows * (-(-columns // 8) * 8), count)
        mask_ends = first_mask + np.where(kind == 2, rows * -(-columns // 16), 0)
        fits = bool(
            ((kind >= 0) & (kind <= 2) & (count >= 0) & (count <= rows * columns)).all()
            and (first_value >= 0).all()
            and (first_mask >= 0).all()
            and value_ends.max() <= arrays["values"].size
            and mask_ends.max() <= arrays["masks"].size
        )
    if not fits:
        raise _damaged(folder, "the tiles of A do not fit their arrays")


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=32).hexdigest()


def _file_digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=32)).hexdigest()


_table._open_store = open
