"""A sector divided into parts, cell by cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import carbonflows_fast as cf

__all__ = ["divided_by_cell"]

Array = npt.NDArray[np.float64]


def share(given: Any, output: dict[str, float], part: str, region: str | None, label: str) -> float:
    """The share of a part in what (region, label) buys, sells or emits: the last key that fits."""
    found = output[part]
    for key, shares in (given or {}).items():
        wanted, named = key if isinstance(key, tuple) else (None, key)
        if wanted in (None, region) and named in (None, label):
            found = shares[part]
    return found


def divided_by_cell(
    table: cf.Table,
    sector: str,
    shares: dict[str, float],
    regions: list[str],
    rows: Any = None,
    columns: Any = None,
    emissions: Any = None,
) -> tuple[list[tuple[str, str]], Array, Array, Array]:
    """Return the rows, Z, Y and F of a table with a sector divided in the regions."""
    old = list(table.rows)
    new: list[tuple[int, str | None]] = []
    for at, (region, label) in enumerate(old):
        if label == sector and region in regions:
            new += [(at, part) for part in shares]
        else:
            new.append((at, None))
    Z0, Y0, F0 = table.Z.toarray(), table.Y.to_numpy(), table.F.to_numpy()
    Z, Y, F = (
        np.zeros((len(new),) * 2),
        np.zeros((len(new), Y0.shape[1])),
        np.zeros((len(F0), len(new))),
    )
    for i, (at, part) in enumerate(new):
        for j, (to, other) in enumerate(new):
            r = 1.0 if part is None else share(rows, shares, part, *old[to])
            c = 1.0 if other is None else share(columns, shares, other, *old[at])
            Z[i, j] = r * c * Z0[at, to]
        for q, buyer in enumerate(table.demand):
            Y[i, q] = Y0[at, q] * (1.0 if part is None else share(rows, shares, part, *buyer))
        for k, name in enumerate(table.stressors):
            e = 1.0 if part is None else share(emissions, shares, part, None, name)
            F[k, i] = e * F0[k, at]
    labels = [(old[at][0], part or old[at][1]) for at, part in new]
    return labels, Z, Y, F
