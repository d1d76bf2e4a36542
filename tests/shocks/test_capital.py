"""Capital as an input: nothing counts twice, and footprints are those of dense matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from support.worlds.strategies import tables
from support.worlds.three_regions import three_regions

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError, LabelError, NotProductiveError

CATEGORY = "capital"


def test_output_and_what_idle_industries_do_stay_bit_for_bit() -> None:
    table = cf.Table(
        Z=[[10.0, 20.0, 5.0], [5.0, 10.0, 0.0], [0.0, 0.0, 0.0]], x=[105.0, 120.0, 0.0],
        Y=[[20.0, 50.0], [80.0, 5.0], [0.0, 0.0]], F=[50.0, 10.0, 7.0],
        regions=["DE", "DE", "FR"], sectors=["a", "b", "a"], stressors="CO2",
        demand=[("DE", "households"), ("DE", CATEGORY)],
    )  # fmt: skip
    K = np.array([[5.0, 10.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    made = cf.with_capital(table, K, category=CATEGORY)
    np.testing.assert_array_equal(made.x, table.x)
    np.testing.assert_array_equal(made.F, table.F)
    np.testing.assert_array_equal(made.Z.toarray(), table.Z.toarray() + K)


def invested(table: cf.Table) -> cf.Table:
    """The table with a category of investment for every region."""
    p, rng = table.content, np.random.default_rng(table.n)
    regions = list(p.regions)
    bought = rng.uniform(0.0, 5.0, (table.n, len(regions)))
    Y = np.concatenate([p.Y, bought], axis=1)
    A = table.A.toarray()
    x = np.linalg.solve(np.eye(table.n) - A, Y.sum(axis=1))
    return cf.Table(
        A=A, x=x, Y=Y, S=table.S.to_numpy(), regions=[r for r, _ in table.rows],
        sectors=[s for _, s in table.rows], stressors=list(table.stressors),
        demand=[*table.demand, *((region, CATEGORY) for region in regions)],
    )  # fmt: skip


@given(tables(negatives=False, zero_outputs=False), st.sampled_from([np.asarray, sp.csr_array]))
def test_footprints_are_those_of_z_plus_k(given_table: cf.Table, form: Any) -> None:
    table = invested(given_table)
    x, n = table.x.to_numpy(), table.n
    room = 1.0 - table.A.toarray().sum(axis=0)
    shares = np.random.default_rng(1).uniform(0.0, 1.0, (n, n))
    K = shares / shares.sum(axis=0) * np.maximum(room, 0.0) * 0.5 * x
    made = cf.with_capital(table, form(K), category=CATEGORY)
    A = table.A.toarray() + K / x
    Y, p = table.content.Y.copy(), table.content
    for column in range(Y.shape[1]):
        if p.categories[p.category_codes[column]] == CATEGORY:
            Y[:, column] -= K[:, p.region_codes == p.demand_codes[column]].sum(axis=1)
    np.testing.assert_allclose(made.A.toarray(), A, rtol=1e-12)
    np.testing.assert_allclose(made.Y, Y, rtol=1e-12, atol=1e-12)
    # Output and all emissions are the same; who causes them is not.
    np.testing.assert_allclose(made.x, x, rtol=1e-7)
    np.testing.assert_allclose(made.S, table.S)
    L = np.linalg.inv(np.eye(n) - A)
    m = cf.multipliers(made, table.stressors[0]).iloc[0]
    np.testing.assert_allclose(m, table.S.to_numpy()[0] @ L, rtol=1e-7, atol=1e-12)
    assert "wear out" in made.notes[-1]


def test_bad_input() -> None:
    table = invested(three_regions())
    K = np.full((5, 5), 0.1)
    with pytest.raises(LabelError, match=r"category: expected a category .* got 'Capital'"):
        cf.with_capital(table, K, category="Capital")
    with pytest.raises(InputError, match="capital: expected numbers that are not negative, got -0"):
        cf.with_capital(table, -K, category=CATEGORY)
    with pytest.raises(InputError, match="capital: "):
        cf.with_capital(table, K[:3], category=CATEGORY)
    names = pd.MultiIndex.from_tuples([(r, s) for r, s in table.rows][::-1])
    with pytest.raises(LabelError, match="capital"):
        cf.with_capital(table, pd.DataFrame(K, names, names), category=CATEGORY)
    with pytest.raises(NotProductiveError):
        cf.with_capital(table, np.full((5, 5), 1e4), category=CATEGORY)
    some = three_regions(demand=[("AA", "homes"), ("AA", CATEGORY), ("BB", "homes")])
    with pytest.raises(InputError, match="category: expected one that every region with capital"):
        cf.with_capital(some, K, category=CATEGORY)
    idle = three_regions(Z=np.zeros((5, 5)), Y=np.diag([1.0, 1, 1, 1, 0])[:, :3])
    idle = idle.with_changes(Y=idle.Y * 0)
    with pytest.raises(InputError, match="capital: expected none for industries without output"):
        cf.with_capital(idle, K, category=idle.categories[0])
