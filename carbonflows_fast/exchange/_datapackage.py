"""Tables as data packages of Brightway, whose LCA solves them."""

from __future__ import annotations

import datetime
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from carbonflows_fast._base.arguments import whole
from carbonflows_fast._base.files import appearing, check_new, given_path
from carbonflows_fast.errors import InputError
from carbonflows_fast.table import Table
from carbonflows_fast.table._stressors import Stressor, select_stressor
from carbonflows_fast.table._table_argument import required_table

__all__ = ["to_datapackage"]

LARGEST_ID = 2**63 - 1  # ids are 64-bit integers
TEXTS = ("datapackage.json", "nodes.json")


def to_datapackage(
    table: Table,
    path: str | Path,
    stressor: str | Mapping[str, float] | None = None,
    *,
    first_id: int = 1,
) -> pd.DataFrame:
    """Write a table as a data package of Brightway (bw_processing), which bw2calc solves.

    Every row of the table is an activity with a product of the same id. So is every column of
    final demand: a unit of it is all that the column buys, and it emits what its users emit
    directly. The score of a region's columns is thus the region's consumption in
    :func:`accounts`.

    Parameters
    ----------
    table : Table
    path : str or Path
        A new folder (or an empty one), or a new file ending in ".zip". It appears when all is
        written; after a failure nothing is left.
    stressor : str or mapping name → weight, optional
        What `LCA.score` counts, as in :func:`accounts`; by default the only stressor. Of a table
        with several, none is counted if none is named, and only inventories can be computed.
    first_id : int
        Of the first row. Give one above those of your own database to combine both.

    Returns
    -------
    DataFrame
        By `id`: `kind` ("sector", "final demand" or "stressor"), `region`, `name`, `unit` and
        `extension`. It is in the package too, as the resource "nodes".

    Raises
    ------
    InputError
        If the target exists or cannot be written, an id is none, or bw_processing is not
        installed.
    LabelError
        If the stressor is unknown.

    Notes
    -----
    The technosphere is I − A: products are positive; inputs are stored as they are in A and
    flipped, as Brightway does. The biosphere has S, and F_Y for the columns of final demand.
    Emissions of rows without output are in neither (`unallocated` in :func:`accounts`).

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> table = cf.synthetic.world(regions=2, sectors=3)
    >>> nodes = cf.to_datapackage(table, "world.zip")  # doctest: +SKIP
    >>> lca = bw2calc.LCA({nodes.index[0]: 1.0}, data_objs=["world.zip"])  # doctest: +SKIP
    """
    required_table("table", table)
    path = given_path("path", path)
    nodes = _nodes(table, first_id)
    only = stressor is None and len(table.stressors) == 1
    counted = select_stressor(table, stressor) if only or stressor is not None else None
    check_new(path, "path")
    written = _required()
    with appearing(path) as partial:
        package = written.create_datapackage(
            fs=_file_system(written, partial),
            name=f"input-output table {table.name}",
            metadata=_about(table, counted),
        )
        del package.metadata["licenses"]  # it would say that the numbers are public domain
        # What it says itself has two time zones.
        package.metadata["created"] = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
        _add_matrices(package, written.INDICES_DTYPE, table, nodes.index, counted)
        records = nodes.reset_index().to_dict("records")
        # JSON, because it reads CSV with pandas, which takes Namibia's "NA" for a gap.
        package.add_json_metadata(data=records, valid_for="technosphere", name="nodes")
        package.finalize_serialization()
        del package  # whose files it has left open
        _check_written(partial, records)
    return nodes


def _required() -> Any:
    try:
        import bw_processing
    except ImportError as error:
        raise InputError.about(
            "bw_processing",
            expected="an installed package",
            got=str(error),
            remedy="install it with `pip install 'carbonflows_fast[brightway]'`",
        ) from error
    return bw_processing


def _file_system(written: Any, path: Path) -> Any:
    if path.suffix.lower() == ".zip":
        return written.generic_zipfile_filesystem(dirpath=path.parent, filename=path.name)
    return written.generic_directory_filesystem(dirpath=path)


def _check_written(path: Path, records: list[dict[Any, Any]]) -> None:
    """Read what it writes without closing the file, so that a full disk would not be noticed.

    Raises
    ------
    OSError
        If it is not there in full.
    """
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            texts = {name: archive.read(name) for name in TEXTS}
    else:
        texts = {name: (path / name).read_bytes() for name in TEXTS}
    try:
        about, nodes = (json.loads(text) for text in texts.values())
    except ValueError as error:
        raise OSError("it was cut short") from error
    if nodes != records or "resources" not in about:
        raise OSError("it is not what was written")


def _about(table: Table, counted: Stressor | None) -> dict[str, Any]:
    """Return what the package says of itself, beside what bw_processing says."""
    about: dict[str, Any] = {"title": table.name}
    if table.year is not None:
        about["year"] = table.year
    if counted is not None:
        about["score"] = {"stressor": counted.name, "unit": counted.unit}
    return about


def _nodes(table: Table, first_id: int) -> pd.DataFrame:
    """Return rows, columns of final demand and stressors, with their ids."""
    parts = table.content
    columns = ["kind", "region", "name", "unit", "extension"]
    units = [parts.row_units[code] for code in parts.row_unit_codes]
    listed = [
        ("sector", region, sector, unit, "")
        for (region, sector), unit in zip(table.rows, units, strict=True)
    ]
    listed += [("final demand", region, category, "", "") for region, category in table.demand]
    about_stressors = (table.stressors, parts.stressor_units, parts.extensions)
    listed += [
        ("stressor", "", name, unit, extension)
        for name, unit, extension in zip(*about_stressors, strict=True)
    ]
    first = whole(
        "first_id", first_id, 0, LARGEST_ID - len(listed), remedy="leave it out to begin with 1"
    )
    ids = pd.RangeIndex(first, first + len(listed), name="id")
    return pd.DataFrame(listed, ids, columns)


def _add_matrices(
    package: Any, indices: Any, table: Table, ids: pd.Index, counted: Stressor | None
) -> None:
    """Add the technosphere, the biosphere and the characterisation."""
    n, m = table.n, len(table.demand)
    activities, stressors = ids[: n + m].to_numpy(), ids[n + m :].to_numpy()
    made = np.arange(n + m)
    bought = sp.hstack([table.A, sp.csr_array(table.content.Y)], "coo")
    rows, columns = (np.concatenate([made, at]) for at in (bought.row, bought.col))
    package.add_persistent_vector(
        matrix="technosphere_matrix",
        name="technosphere",
        indices_array=_pairs(indices, activities[rows], activities[columns]),
        data_array=np.concatenate([np.ones(n + m), bought.data]),
        flip_array=np.arange(len(rows)) >= n + m,
    )
    if not len(stressors):
        return
    emitted = np.hstack([table.arrays.S, table.arrays.F_Y])
    there = emitted != 0.0
    there[:, 0] |= ~there.any(axis=1)  # a stressor that nothing emits is a row all the same
    rows, columns = np.nonzero(there)
    package.add_persistent_vector(
        matrix="biosphere_matrix",
        name="biosphere",
        indices_array=_pairs(indices, stressors[rows], activities[columns]),
        data_array=emitted[rows, columns],
    )
    if counted is not None:
        own = stressors[[table.stressors.index(name) for name in counted.counted]]
        package.add_persistent_vector(
            matrix="characterization_matrix",
            name="characterization",
            indices_array=_pairs(indices, own, own),
            data_array=np.array(counted.weights),
        )


def _pairs(indices: Any, rows: Any, columns: Any) -> Any:
    pairs = np.empty(len(rows), indices)
    pairs["row"], pairs["col"] = rows, columns
    return pairs
