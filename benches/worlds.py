"""A table of EXIOBASE's size that behaves as real ones do: WIOD's, with every sector split up.

    python -c "import worlds; print(worlds.split_wiod('FOLDER'))"

Regions of the synthetic world resemble each other less than those of real tables, so a solver that
profits from resemblance shows less there. Here regions and what they buy from each other are those
of WIOD; sectors are split into `parts` with noise that all regions have in common, and a smaller
one of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

import carbonflows_fast as cf

COMMON, OWN = 0.8, 0.3
"""Spread of the noise, as standard deviations of logarithms."""


def split_wiod(folder: str | Path, parts: int = 7, seed: int = 0) -> cf.Table:
    """Return WIOD 2009 with each sector in parts: 41 × 35 × 7 = 10,045 rows by default."""
    return split_up(cf.read(Path(folder) / "wiod2013_2009.zip"), parts, seed)


def split_up(table: cf.Table, parts: int, seed: int) -> cf.Table:
    """Return a table with each sector in parts, whose sums are the table's cells."""
    rng = np.random.default_rng(seed)
    Z = table.Z.tocsr()
    sectors = table.rows.get_level_values(1)
    names = {name: i for i, name in enumerate(dict.fromkeys(sectors))}
    codes = np.array([names[name] for name in sectors])
    # What part a of a sector sells to part b of another, the same everywhere.
    habit = np.exp(rng.normal(0.0, COMMON, (len(names), parts, len(names), parts)))
    size = np.exp(rng.normal(0.0, COMMON, (len(names), parts)))[codes]
    size *= np.exp(rng.normal(0.0, OWN, size.shape))
    size /= size.sum(axis=1, keepdims=True)
    rows = [_split_row(Z, i, codes, habit[codes[i]], size) for i in range(table.n)]
    whole = sp.vstack(rows, format="csr")
    share = size.ravel()

    def spread(values: Any) -> Any:
        return np.repeat(np.asarray(values, dtype=float), parts, axis=0) * share[:, None]

    return cf.Table(
        Z=whole,
        Y=spread(table.Y),
        F=spread(np.asarray(table.F).T).T,
        regions=np.repeat(table.rows.get_level_values(0), parts),
        sectors=[f"{name} {a + 1}" for name in sectors for a in range(parts)],
        demand=list(table.Y.columns),
        stressors=list(table.stressors),
        stressor_units=table.stressor_units,
        row_units=np.repeat(table.row_units.to_numpy(), parts),
    )


def _split_row(Z: Any, i: int, codes: Any, habit: Any, size: Any) -> Any:
    """Return row i in parts: shape (parts, n parts)."""
    buyers = Z.indices[Z.indptr[i] : Z.indptr[i + 1]]
    values = Z.data[Z.indptr[i] : Z.indptr[i + 1]]
    parts = size.shape[1]
    cells = size[i][:, None, None] * habit[:, codes[buyers], :] * size[buyers][None]
    cells *= (values / cells.sum(axis=(0, 2)))[None, :, None]
    columns = (buyers[:, None] * parts + np.arange(parts)).ravel()
    starts = np.arange(parts + 1) * columns.size
    return sp.csr_array(
        (cells.reshape(parts, -1).ravel(), np.tile(columns, parts), starts),
        shape=(parts, Z.shape[0] * parts),
    )
