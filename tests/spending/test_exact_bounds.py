"""The bounds of purchases and factors against exact arithmetic."""

from __future__ import annotations

import pytest

pytest.importorskip("flint")

import exact_run
from support.exact.exact_case import QUESTIONS
from support.exact.exact_spending import factors, purchases


@pytest.mark.parametrize("ask", [purchases, factors])
def test_no_bound_is_below_the_true_error(ask: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(QUESTIONS, "solve", ask)
    found = exact_run.Summary()
    for seed in range(60):
        found.add(exact_run.run_case(seed, ["solve"]))
    assert found.violations == []
    assert found.answered["solve"] > 40
    assert found.claims > 300
