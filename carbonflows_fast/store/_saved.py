"""Saved tables: a folder of plain .npy arrays and JSON files, opened without reading them.

A store holds A once, as the solver's own tiles, and the factored blocks beside it, so that an
opened table is ready to solve. Arrays are memory-mapped read-only. The manifest holds labels, and
the size and digest of every array; its own digest names the whole content, so that a change of any
bit is found by ``open(verify=True)``. Where the files lie is the business of ``_generations``.
"""

from __future__ import annotations

import json
import os
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from carbonflows_fast import _core
from carbonflows_fast._base.files import given_path
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast._base.threads import ThreadPool
from carbonflows_fast.errors import StoreError
from carbonflows_fast.leontief import LeontiefSystem, system
from carbonflows_fast.leontief._of_table import SYSTEM
from carbonflows_fast.leontief._tiles import RegionTiles, row_names
from carbonflows_fast.store._generations import (
    FORMAT,
    MANIFEST,
    VERSION,
    Generation,
    consistent,
    digest,
    is_store,
    replacing,
    standing,
)
from carbonflows_fast.store._manifest import CODE_FIELDS, TEXT_FIELDS, manifest_in
from carbonflows_fast.store._stored_arrays import Arrays
from carbonflows_fast.table import Table
from carbonflows_fast.table._content import Parts
from carbonflows_fast.table._table import table_from
from carbonflows_fast.table._table_argument import required_table

__all__ = [
    "checksum",
    "is_store",
    "manifest_of",
    "open",
    "reopened",
    "require_replaceable",
    "save",
    "save_from",
    "stamp",
]


def save(table: Table, path: str | os.PathLike[str]) -> Path:
    """Save a table so that it opens at once, ready to solve.

    The folder appears complete or not at all. An existing saved table is replaced in one step:
    readers get the old table or the new one, and a table that is open keeps its numbers.

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
        If the path is something else than a saved table, or cannot be written.
    """
    target = given_path("path", path).resolve()
    require_replaceable(target)
    arrays, manifest = _content(table)
    manifest["origin"] = origin
    try:
        with replacing(target) as folder:
            manifest["files"] = _write_arrays(folder, arrays)
            _write(folder / MANIFEST, json.dumps(manifest, indent=1).encode())
    except OSError as error:
        raise StoreError.about(
            "path",
            expected="a folder that can be written",
            got=f"{str(target)!r} ({error})",
            remedy="choose another place, or make room",
        ) from error
    return target


def require_replaceable(path: str | os.PathLike[str], argument: str = "path") -> None:
    """Refuse to save over anything that is not a saved table; :func:`save` asks this first.

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
    raise StoreError.about(
        argument,
        expected="a new folder or a saved table to replace",
        got=f"{str(target)!r}, which is something else",
        remedy="choose another path",
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
        Memory-mapped and read-only. It pickles by path and digest: unpickling gives this very
        table, or an error if another one has been saved there since.

    Raises
    ------
    StoreError
        If it is no saved table, has another format version, is incomplete or inconsistent, or (with
        `verify`) differs in any byte from the table that was saved.
    InputError
        If `path` is no path.

    Examples
    --------
    >>> import tempfile, pathlib, carbonflows_fast as cf
    >>> table = cf.synthetic.world(2, 3)
    >>> path = cf.save(table, pathlib.Path(tempfile.mkdtemp()) / "2019")
    >>> cf.open(path, verify=True).equals(table)
    True
    """
    return consistent(given_path("path", path).absolute(), lambda found: _opened(found, verify))


def reopened(path: Path, wanted: str) -> Table:
    """Open the saved table that has a checksum: what a pickled table is made of."""

    def use(found: Generation) -> Table:
        if found.checksum != wanted:
            raise StoreError.about(
                "path",
                expected=f"the table that was at {str(path)!r} when it was pickled",
                got="another one, saved there since",
                remedy="keep each table under a path of its own, or open this one with cf.open",
            )
        return _opened(found, False)

    return consistent(path, use)


def manifest_of(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return labels and facts of a saved table without its arrays.

    Raises
    ------
    StoreError
        If there is no saved table, or it is damaged.
    """
    return consistent(given_path("path", path).absolute(), manifest_in)


def checksum(path: str | os.PathLike[str]) -> str:
    """Return the digest that names the content of a saved table.

    Raises
    ------
    StoreError
        If there is none.
    """
    return standing(given_path("path", path).absolute()).checksum


def stamp(path: str | os.PathLike[str]) -> tuple[tuple[str, int, int], ...]:
    """Return names, sizes and times of the files of a saved table: how it looks without being read.

    Raises
    ------
    StoreError
        If there is none.
    """
    place = given_path("path", path).absolute()

    def use(found: Generation) -> tuple[tuple[str, int, int], ...]:
        try:
            with os.scandir(found.folder) as entries:
                files = [(entry.name, entry.stat()) for entry in entries]
        except OSError as error:
            raise found.damaged(error) from error
        return tuple(sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in files))

    return consistent(place, use)


# ---- writing -------------------------------------------------------------------------------------


def _content(table: Table) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arrays by name, and the manifest without its list of files."""
    parts = table.content
    prepared = system(table)
    tiles = prepared.tiles
    factors, pivots = prepared.block_factors()
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
        "notes": list(parts.notes),
        "emissions_kind": parts.emissions_kind,
        "nonnegative": prepared.nonnegative,
        **{name: list(getattr(parts, name)) for name in (*TEXT_FIELDS, "row_units")},
    }
    return {name: array for name, array in arrays.items() if array is not None}, manifest


def _write_arrays(folder: Path, arrays: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Write arrays as .npy, the largest first, and return size and digest of each file.

    What is written is digested at the same time: one array has half of all bytes.
    """
    with ThreadPool(4) as pool:
        tasks = {}
        for name in sorted(arrays, key=lambda name: arrays[name].nbytes, reverse=True):
            parts = _npy(arrays[name])
            written = pool.submit(_write, folder / f"{name}.npy", *parts)
            tasks[name] = written, pool.submit(digest, *parts)
        return {
            name: {"bytes": tasks[name][0].result(), "blake2b": tasks[name][1].result()}
            for name in arrays
        }


def _npy(array: Any) -> tuple[bytes, memoryview]:
    """Return what np.save writes: the header, and the numbers without a copy."""
    if not (array.flags.c_contiguous or array.flags.f_contiguous):
        array = np.ascontiguousarray(array)
    header = BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(array))
    flat = array if array.flags.c_contiguous else array.T
    return header.getvalue(), memoryview(flat.reshape(-1).view(np.uint8))


def _write(file: Path, *parts: bytes | memoryview) -> int:
    """Write a file that nobody may change, and return its size."""
    with file.open("wb") as stream:
        size = sum(map(stream.write, parts))
    _protect(file)
    return size


def _protect(file: Path) -> None:
    """Remove the right to write, because an open table reads from this file."""
    if os.name != "nt":  # a read-only file could not be deleted there
        file.chmod(file.stat().st_mode & ~0o222)


# ---- reading -------------------------------------------------------------------------------------


def _opened(found: Generation, verify: bool) -> Table:
    thread_count()  # a wrong environment is no damage to the store
    manifest = manifest_in(found)
    arrays = Arrays(found, manifest, verify)
    core = _core.Tiles(arrays["starts"], arrays["entries"], arrays["masks"], arrays["values"])
    labels: dict[str, Any] = {name: tuple(manifest[name]) for name in TEXT_FIELDS}
    codes: dict[str, Any] = {name: arrays[name] for name in CODE_FIELDS}
    names = row_names(
        labels["regions"], codes["region_codes"], labels["sectors"], codes["sector_codes"]
    )
    tiles = RegionTiles(core, arrays.by_name.get("order"), names, arrays.require_whole)
    parts = Parts(
        matrix=tiles,
        kind="A",
        x=arrays["x"],
        Y=arrays["Y"],
        emissions=arrays["emissions"],
        emissions_kind=manifest["emissions_kind"],
        F_Y=arrays.by_name.get("F_Y"),
        population=arrays.by_name.get("population"),
        year=manifest["year"],
        name=manifest["name"],
        notes=tuple(manifest.get("notes", ())),
        row_units=tuple(manifest["row_units"]),
        **labels,
        **codes,
    )
    table = table_from(parts, saved=(found.path, found.checksum))
    prepared = LeontiefSystem(
        tiles,
        factors=(arrays["factors"], arrays["pivots"]),
        nonnegative=manifest["nonnegative"],
    )
    table.kept.get(SYSTEM, lambda: prepared)
    return table
