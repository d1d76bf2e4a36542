"""Sums by group against the same formulas written with matrices of zeros and ones."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.worlds.strategies import seeds

from carbonflows_fast._base import sums


@given(seeds(), st.integers(1, 6), st.integers(1, 4))
def test_sums_are_their_formulas(rng: np.random.Generator, n: int, regions: int) -> None:
    x, S = rng.normal(size=(n, regions)), rng.normal(size=(3, n))
    codes = rng.integers(0, regions, n).astype(np.int32)
    G = (np.arange(regions)[:, None] == codes).astype(float)
    for array in (x, S, codes):
        array.flags.writeable = False
    close = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(sums.sum_by_group(x, codes, regions), G @ x, **close)
    np.testing.assert_allclose(sums.sum_columns_by_group(S, codes, regions), S @ G.T, **close)
    np.testing.assert_allclose(sums.weighted_sums(x, S[0], codes, regions), (G * S[0]) @ x, **close)
    three = np.einsum("ei,iq,pi->eqp", S, x, G)
    np.testing.assert_allclose(
        sums.sector_sums(S, x, codes, regions), three.reshape(3, -1), **close
    )
    who = rng.integers(0, regions, 3).astype(np.int32)
    np.testing.assert_allclose(
        sums.sector_sums_paired(S, x, who, codes, regions), three[np.arange(3), who], **close
    )
    np.testing.assert_allclose(sums.sum_other_regions(x, codes), (x * (1 - G.T)).sum(1), **close)
    units = rng.normal(size=(2, regions, n))
    products, out = rng.integers(0, 4, n).astype(np.int32), np.ones((2, regions * 4))
    totals = sums.add_imports(units, np.ascontiguousarray(x.T), products, 4, out)
    np.testing.assert_allclose(totals, units.sum(axis=1), **close)
    others = 1.0 - np.eye(regions)
    expected = np.einsum("erb,rq,bq,pb->eqp", units, others, x, np.arange(4)[:, None] == products)
    np.testing.assert_allclose(out, 1.0 + expected.reshape(2, -1), **close)
    lu = rng.normal(size=(n, n))
    L, U = np.tril(lu, -1) + np.eye(n), np.triu(lu)
    w = np.abs(x[:, 0])
    np.testing.assert_allclose(sums.lu_sizes(lu.T.copy(), w), w @ np.abs(L) @ np.abs(U), **close)
