"""Numbers at the lower end of float64: bounds hold, or there is a clear refusal."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.running.report_page import draw_nothing

import carbonflows_fast as cf
from carbonflows_fast._base.wording import scale_for, shares_for


def table(F: float, money: float) -> cf.Table:
    return cf.Table(
        Z=np.array([[1.0, 2.0], [3.0, 4.0]]) * money, Y=np.ones((2, 2)) * money, F=[F, 2 * F],
        regions=["DE", "FR"], sectors=["g", "g"], stressors="CO2", year=2000,
    )  # fmt: skip


QUESTIONS: list[Callable[[cf.Table], Any]] = [
    cf.flows, cf.accounts, cf.multipliers, cf.footprints, cf.production_layers, cf.elasticities,
    lambda t: cf.flows(t, {"CO2": 2.0}), lambda t: cf.sector_study(t, sectors="g"),
    lambda t: cf.structural_paths(t, top=3), lambda t: cf.structural_decomposition(t, t),
    lambda t: t.with_changes(Y=t.Y * 2), lambda t: cf.uncertainty(t, errors=cf.Errors(Z=0.1)),
]  # fmt: skip


@pytest.mark.parametrize("ask", QUESTIONS)
@pytest.mark.parametrize(("F", "money"), [(1e-305, 1e10), (1e-300, 1e10), (1e-220, 1e90)])
def test_intensities_that_lose_digits_are_refused(
    F: float, money: float, ask: Callable[[cf.Table], Any]
) -> None:
    with pytest.raises(cf.InputError, match=r"^F: expected F / x of at least .* another unit"):
        ask(table(F, money))
    ask(table(F, money).with_changes(F=[[1.0, 2.0]]))  # the remedy


def test_one_small_stressor_stops_no_other() -> None:
    t = cf.Table(
        Z=[[1e10]], Y=[[1e10]], F=[[1e-305], [5.0]], regions="DE", sectors=["g"],
        stressors=["CO2", "CH4"],
    )  # fmt: skip
    assert cf.flows(t, "CH4").total == 5.0
    with pytest.raises(cf.InputError, match="'CO2' at DE: g"):
        cf.multipliers(t)
    with pytest.raises(cf.InputError, match=r"^F: expected"):
        cf.flows(t, {"CO2": 1.0, "CH4": 1.0})
    with pytest.raises(cf.InputError, match=r"^F: expected"):
        cf.flows(t, {"CH4": 1e-320})
    assert cf.flows(t, {"CO2": 0.0, "CH4": 1.0}).total == 5.0


def test_emissions_without_output_and_zeros_are_no_small_ones() -> None:
    t = cf.Table(
        Z=np.zeros((2, 2)), Y=[[1.0], [0.0]], F=[0.0, 3.0], regions=["DE", "FR"],
        sectors=["g", "g"], demand=[("DE", "h")], stressors="CO2",
    )  # fmt: skip
    assert cf.accounts(t).unallocated["FR"] == 3.0


@pytest.mark.parametrize("F", [1e-265, 1e-100])
def test_bound_of_small_emissions_holds(F: float) -> None:
    found = cf.flows(table(F, 1e10))
    a = [[Fraction(1, 5), Fraction(2, 9)], [Fraction(3, 5), Fraction(4, 9)]]
    det = (1 - a[0][0]) * (1 - a[1][1]) - a[0][1] * a[1][0]
    L = [[(1 - a[1][1]) / det, a[0][1] / det], [a[1][0] / det, (1 - a[0][0]) / det]]
    s = [Fraction(F) / (5 * 10**10), Fraction(2 * F) / (9 * 10**10)]
    error = sum(
        abs(Fraction(float(found.matrix.to_numpy()[i, q])) - s[i] * sum(L[i]) * 10**10)
        for i in range(2) for q in range(2)
    )  # fmt: skip
    assert error <= Fraction(found.error_bound)


def test_a_report_of_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw_nothing(monkeypatch)
    zeros = np.zeros((2, 2))
    t = cf.Table(
        Z=zeros, Y=zeros, F=[0.0, 0.0], regions=["DE", "FR"], sectors=["g", "g"],
        stressors="CO2", year=2000,
    )  # fmt: skip
    page = cf.report(t, out=tmp_path / "page.html").read_text(encoding="utf-8")
    assert 'data-figure="error_bound"' in page


@pytest.mark.parametrize("value", [5e-324, 1e-310, 1e-301, 1e-299, 1e305])
@pytest.mark.parametrize("unit", ["", "kt", "g CO2-eq"])
def test_numbers_at_either_end_have_a_scale(value: float, unit: str) -> None:
    assert scale_for([value], unit).text(value)
    assert shares_for([value]).factor > 0


@pytest.mark.filterwarnings("error")
def test_a_total_that_is_rounding_has_no_shares() -> None:
    t = table(1.0, 1.0).with_changes(F=[[5.0, -5.0]])
    assert 0 < abs(cf.elasticities(t).attrs["total"]) < 1e-15
    assert cf.elasticities(t).isna().all(axis=None)
    assert cf.transaction_betweenness(t).elasticity.isna().all()
    near = t.with_changes(F=[[5.0, -5.0 + 1e-6]])
    assert cf.elasticities(near).demand.sum() == pytest.approx(1.0, rel=1e-6)


@pytest.mark.filterwarnings("error")
def test_huge_numbers_are_answered_or_refused_without_warnings() -> None:
    def huge(money: float, F: list[list[float]]) -> cf.Table:
        return cf.Table(
            Z=np.array([[1.0, 2.0], [3.0, 4.0]]) * money, Y=np.ones((2, 2)) * money, F=F,
            regions=["DE", "FR"], sectors=["g", "g"], stressors=["CO2", "CH4"],
        )  # fmt: skip

    for money, F in [(1e101, 1.0), (1.0, 1e101), (1.0, 1.7e308)]:
        with pytest.raises(cf.InputError, match=r": expected numbers up to 1e\+100, got "):
            huge(money, [[F, F], [1.0, 2.0]])
    t = huge(1e95, [[1e99, 9e99], [1e95, 2e95]])
    assert cf.footprints(t).D_pba.to_numpy().ravel() == pytest.approx(
        [1e99, 9e99, 1e95, 2e95], rel=1e-9
    )
    assert cf.footprints(t, "CH4").D_pba.to_numpy().ravel() == pytest.approx([1e95, 2e95], rel=1e-9)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("low", "high"), [(-200, -20), (-180, 60), (-190, 90), (0, 90)])
def test_checks_compare_numbers_at_both_ends_without_warnings(low: int, high: int) -> None:
    """Up to powers that float64 does not have."""
    world = cf.synthetic.world(2, 3)
    small, huge = (world.with_changes(S=world.S * 10.0**power) for power in (low, high))
    for one, other in ((small, huge), (huge, small)):
        kinds = set(cf.check(one, other).findings["check"])
        assert {"unit of a stressor", "region of a stressor"} & kinds
