"""The bounds of responsibility, extraction and prices against exact arithmetic."""

from __future__ import annotations

import pytest

pytest.importorskip("flint")

import exact_run


@pytest.mark.parametrize("name", ["enabled", "responsibility", "extraction", "carbon_price"])
def test_no_bound_is_below_the_true_error(name: str) -> None:
    found = exact_run.Summary()
    for seed in range(60):
        found.add(exact_run.run_case(seed, [name]))
    assert found.violations == []
    assert found.answered[name] > 40
    assert found.claims >= found.answered[name]
