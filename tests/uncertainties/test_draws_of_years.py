"""Draws of two years: shared errors are one draw, own errors as correlated as is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import carbonflows_fast as cf
from carbonflows_fast import _core
from carbonflows_fast._base.machine import build_info
from carbonflows_fast.errors import InputError
from carbonflows_fast.uncertainties._error_model._errors import DISTRIBUTIONS

COUNT = 200_000


def factors(
    deviation: float, year: int, correlation: float, distribution: str = "lognormal"
) -> npt.NDArray[np.float64]:
    kind, isa = DISTRIBUTIONS.index(distribution), build_info()["instruction_set"]
    given = np.full(COUNT, deviation)
    return np.asarray(_core.draw_factors(5, 3, 0, kind, given, isa, year, correlation))


@pytest.mark.parametrize("deviation", [0.1, 0.5])
@pytest.mark.parametrize("rho", [0.0, 0.3, 0.8, 1.0])
def test_factors_of_two_years_have_their_correlation_and_deviation(
    deviation: float, rho: float
) -> None:
    one, other = (factors(deviation, year, rho) for year in (2000, 2009))
    for found in (one, other):
        apart = (found - 1.0) ** 2
        assert abs(found.mean() - 1.0) < 4 * deviation / COUNT**0.5
        assert abs(apart.mean() - deviation**2) < 4 * apart.std() / COUNT**0.5
    products = (one - 1.0) * (other - 1.0)
    assert abs(products.mean() - rho * deviation**2) < 4.5 * products.std() / COUNT**0.5


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_correlation_of_one_is_one_draw_in_all_years_and_that_of_no_year(
    distribution: str,
) -> None:
    without = factors(0.2, 0, 0.0, distribution)
    for year in (2000, 2009):
        np.testing.assert_array_equal(factors(0.2, year, 1.0, distribution), without)
        assert not np.array_equal(factors(0.2, year, 0.0, distribution), without)


def world(year: int) -> cf.Table:
    """The same table in every year, but for its name."""
    return cf.synthetic.world(3, 4).with_changes(year=year)


def without_year() -> cf.Table:
    return cf.Table(Z=[[2.0]], Y=[[8.0]], F=[[5.0]], regions=["DE"], sectors=["a"], stressors="CO2",
                    demand=[("DE", "all")])  # fmt: skip


def samples(year: int, errors: cf.Errors, of: Any = "accounts", **asked: Any) -> Any:
    drawn = cf.uncertainty(world(year), "CO2", errors, of=of, seed=4, **asked).drawn
    assert drawn is not None
    return drawn.samples


@pytest.mark.parametrize("of", ["accounts", "flows"])
def test_a_shared_error_cancels_in_the_difference_of_two_equal_years(of: Any) -> None:
    shared = [cf.SharedError("fuel", 0.2, F=1.0, F_Y=1.0), cf.SharedError("trade", 0.2, Z=1.0)]
    one, other = (samples(year, cf.Errors(shared=shared), of, draws=6) for year in (2000, 2009))
    np.testing.assert_array_equal(one, other)
    assert one.std().max() > 0.0


def test_answers_of_two_years_are_as_correlated_as_their_cells() -> None:
    """Emissions alone: answers are sums of the factors, and nothing has to be solved again."""
    errors, count = cf.Errors(F=0.1), 1000
    for rho in (0.0, 0.6, 1.0):
        one, other = (samples(year, errors, draws=count, correlation=rho) for year in (2000, 2009))
        for column in one.loc[:, (slice(None), ["production", "consumption"])]:
            found = np.corrcoef(one[column], other[column])[0, 1]
            assert abs(found - rho) < 4.5 * (1.0 - rho**2) / count**0.5 + 1e-12


def test_a_correlation_that_no_draw_can_have_is_refused() -> None:
    table, lognormal = cf.synthetic.world(3, 4), cf.Errors(F=0.1)
    for given, errors, asked, message in (
        (table, lognormal, {"draws": 2, "correlation": 1.2}, "expected a number from 0 to 1"),
        (table, lognormal, {"correlation": 0.5}, "correlation: expected draws, got none"),
        (
            table,
            cf.Errors(F=0.1, distribution="uniform"),
            {"draws": 2, "correlation": 0.5},
            "expected 0 or 1 for draws of a uniform distribution, got 0.5",
        ),
        (
            without_year(),
            lognormal,
            {"draws": 2, "correlation": 0.5},
            "expected a table with a year",
        ),
    ):
        with pytest.raises(InputError, match=message):
            cf.uncertainty(given, "CO2", errors, **asked)
    for rho in (0.0, 1.0):
        uniform = cf.Errors(F=0.1, distribution="uniform")
        assert cf.uncertainty(table, "CO2", uniform, draws=2, correlation=rho).drawn is not None
