"""WIOD 2009: single cells against the table solved again, and what independent errors come to."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import carbonflows_fast as cf

pytestmark = pytest.mark.real_data
STEP = 0.01
WEIGHTS = {1: 8 / 12, -1: -8 / 12, 2: -1 / 12, -2: 1 / 12}  # differences of the fourth order


@cache
def wiod(folder: Path) -> cf.Table:
    return cf.read(folder / "wiod2013_2009.zip", progress=False)


def moved(
    table: cf.Table, source: str, cell: tuple[int, int], by: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Solve with one cell changed; output follows, and so do coefficients and intensities."""
    parts = {"Z": table.Z.tolil(), "Y": table.Y.to_numpy().copy(), "F": table.F.to_numpy().copy()}
    parts[source][cell] *= 1.0 + by
    changed = cf.Table(
        **parts | {"Z": parts["Z"].tocsr()}, F_Y=table.F_Y.to_numpy(),
        regions=table.rows.get_level_values("region"),
        sectors=table.rows.get_level_values("sector"),
        demand=list(table.demand), stressors=table.stressors,
    )  # fmt: skip
    return cf.accounts(changed, rtol=1e-11), cf.flows(changed, rtol=1e-11).matrix


def largest_cells(table: cf.Table, source: str, count: int) -> list[tuple[int, int]]:
    """Some of the largest cells; what an industry buys of itself changes no other."""
    cells = table.Z.toarray() if source == "Z" else getattr(table, source).to_numpy().copy()
    if source == "Z":
        np.fill_diagonal(cells, 0.0)
    order = np.argsort(-np.abs(cells).ravel())[: 40 * count : 40]
    return [(int(i), int(j)) for i, j in zip(*np.unravel_index(order, cells.shape), strict=True)]


@pytest.mark.parametrize("source", ["Z", "Y", "F"])
def test_single_cells_are_finite_differences(real_data: Path, source: str) -> None:
    table = wiod(real_data)
    shape = getattr(table, source).shape
    for cell in largest_cells(table, source, 3):
        deviations = sp.csr_array(([0.1], ([cell[0]], [cell[1]])), shape=shape)
        errors = cf.Errors(**{source: deviations})
        answers = {k: moved(table, source, cell, k * STEP) for k in WEIGHTS}
        for at, of in enumerate(("accounts", "flows")):
            sd = cf.uncertainty(table, errors=errors, of=of).sd  # type: ignore[arg-type]
            slope = sum(weight * answers[k][at] for k, weight in WEIGHTS.items()) / STEP
            change = 0.1 * slope[list(sd.columns)].abs()
            near = {"rtol": 1e-6, "atol": 2e-6 * float(change.to_numpy().max())}
            np.testing.assert_allclose(sd, change, err_msg=f"{source} {cell}", **near)


def test_independent_errors_of_cells_leave_totals_nearly_sure(real_data: Path) -> None:
    table = wiod(real_data)
    found = cf.uncertainty(table, errors=cf.Errors(Z=0.1, Y=0.1))
    consumption = found.relative["consumption"]
    assert 0.003 < consumption.min() < consumption.max() < 0.013
    assert (found.relative["production"] < 1e-9).all()
    shared = cf.SharedError("intensities", 0.1, F=1.0, F_Y=1.0)
    together = cf.uncertainty(table, errors=cf.Errors(shared=shared))
    np.testing.assert_allclose(together.relative["consumption"], 0.1, rtol=1e-8)
