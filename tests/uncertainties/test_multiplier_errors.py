"""Sums of multipliers against the derivative of them to every cell."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from support.references.footprint_errors_reference import FootprintReference, nothing_beside
from support.running.solving import iterated
from support.worlds.uncertain_tables import questions

from carbonflows_fast.uncertainties import _of_multipliers
from carbonflows_fast.uncertainties._of_multipliers import deviations


@given(questions(), st.booleans(), st.integers(0, 2**32 - 1))
def test_deviations_are_those_of_the_derivatives(question: Any, by_region: bool, seed: int) -> None:
    table, stressor, errors, flows = question
    slow = FootprintReference(flows.table, flows.weights, "footprints", flows.sizes, flows.shared)
    rng, n = np.random.default_rng(seed), table.n
    V = rng.uniform(0.0, 1.0, (3, n)) * (rng.random((3, n)) < 0.5)
    with pytest.MonkeyPatch.context() as patch, iterated() if by_region else nullcontext():
        patch.setattr(_of_multipliers, "AT_ONCE", 2)
        sd = deviations(table, stressor, errors, sp.csr_array(V), 1e-10)
    covariance = slow.covariance[-n:, -n:]
    expected = np.sqrt(np.diag(V @ covariance @ V.T).clip(0.0))
    sizes = V @ np.abs(table.x.to_numpy())
    limit = 1e-6 * expected * sizes + nothing_beside(slow, V)
    assert (np.abs(sd - expected) * sizes <= limit).all()
    assert (sd[sizes == 0.0] == 0.0).all()
