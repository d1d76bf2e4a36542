"""The table whose sectors are split up: its parts add up to the table it was made from."""

from __future__ import annotations

import numpy as np
import worlds

import carbonflows_fast as cf


def test_parts_add_up_to_the_table() -> None:
    table = cf.synthetic.world(4, 6)
    split = worlds.split_up(table, parts=3, seed=1)
    assert split.n == 3 * table.n
    together = np.kron(np.eye(table.n), np.ones(3))
    Z, F = split.Z.toarray(), split.F.to_numpy()
    np.testing.assert_allclose(together @ Z @ together.T, table.Z.toarray(), rtol=1e-12)
    np.testing.assert_allclose(together @ split.Y.to_numpy(), table.Y.to_numpy(), rtol=1e-12)
    np.testing.assert_allclose(F @ together.T, table.F.to_numpy(), rtol=1e-12)


def test_parts_differ() -> None:
    split = worlds.split_up(cf.synthetic.world(4, 6), parts=3, seed=1)
    S = split.S.to_numpy()[0]
    assert np.ptp(S.reshape(-1, 3), axis=1).max() > 0.0
    assert cf.system(split).solve(split.Y.to_numpy()).report.error_bound <= 1e-10
