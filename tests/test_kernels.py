"""The Numba sums against the same formulas written with matrices of zeros and ones."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from strategies import seeds

from carbonflows_fast import _kernels


@given(seeds(), st.integers(1, 6), st.integers(1, 4))
def test_kernels_are_their_formulas(rng: np.random.Generator, n: int, regions: int) -> None:
    x, S = rng.normal(size=(n, regions)), rng.normal(size=(3, n))
    codes = rng.integers(0, regions, n).astype(np.int32)
    G = (np.arange(regions)[:, None] == codes).astype(float)
    for array in (x, S, codes):
        array.flags.writeable = False
    close = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(_kernels.sum_by_group(x, codes, regions), G @ x, **close)
    np.testing.assert_allclose(_kernels.sum_columns_by_group(S, codes, regions), S @ G.T, **close)
    np.testing.assert_allclose(
        _kernels.weighted_sums(x, S[0], codes, regions), (G * S[0]) @ x, **close
    )
    three = np.einsum("ei,iq,pi->eqp", S, x, G)
    np.testing.assert_allclose(
        _kernels.sector_sums(S, x, codes, regions), three.reshape(3, -1), **close
    )
    who = rng.integers(0, regions, 3).astype(np.int32)
    np.testing.assert_allclose(
        _kernels.sector_sums_paired(S, x, who, codes, regions), three[np.arange(3), who], **close
    )
    np.testing.assert_allclose(
        _kernels.sum_other_regions(x, codes), (x * (1 - G.T)).sum(1), **close
    )
    own = np.arange(regions, dtype=np.int32)
    np.testing.assert_allclose(
        _kernels.outside_sums(S, x, codes, own), S @ (x * (1 - G.T)), **close
    )
