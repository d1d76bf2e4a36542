"""What may be asked of draws, what they come to, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from support.references.draw_reference import DRAWN

import carbonflows_fast as cf
from carbonflows_fast.accounting._region_flows import region_flows
from carbonflows_fast.errors import InputError, LabelError
from carbonflows_fast.uncertainties._drawing._draws import Draws
from carbonflows_fast.uncertainties._drawing._perturbed import Perturber


def test_draws_stop_when_they_are_sure_enough() -> None:
    table, errors = cf.synthetic.world(3, 10), cf.Errors(Z=0.1, Y=0.1)
    rough = cf.uncertainty(table, "CO2", errors, draws=200, until=0.05).drawn
    fine = cf.uncertainty(table, "CO2", errors, draws=200, until=1e-9).drawn
    assert rough is not None
    assert fine is not None
    assert rough.count == 20
    assert fine.count == 200
    for one in (rough.mean, rough.sd):
        assert (one.error <= 0.05 * rough.sd.value).all(axis=None)


def test_samples_are_written_whole(tmp_path: Path) -> None:
    table, errors = cf.synthetic.world(3, 4), cf.Errors(Z=0.1, F=0.1)
    found = cf.uncertainty(
        table, "CO2", errors, of="flows", draws=3, samples=tmp_path / "draws.parquet"
    )
    assert found.drawn is not None
    read = pd.read_parquet(tmp_path / "draws.parquet")
    assert list(read.columns) == ["draw", "region", "consumer", "answer"]
    np.testing.assert_array_equal(read.answer, found.drawn.samples.to_numpy().ravel())
    assert os.listdir(tmp_path) == ["draws.parquet"]


@pytest.mark.parametrize("name", ["draws.csv", "draws", "draws.parquet.gz"])
def test_samples_of_another_name_are_refused_before_a_draw(tmp_path: Path, name: str) -> None:
    with pytest.raises(cf.InputError, match=r"^samples: .* name that ends in \.parquet"):
        cf.uncertainty(
            cf.synthetic.world(2, 2), "CO2", cf.Errors(Z=0.1), draws=2**31, samples=tmp_path / name
        )
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("given", [{"seed": 3}, {"seed": None}, {"until": 0.1}, {"samples": "a"}])
def test_what_is_about_draws_needs_them(given: Any) -> None:
    with pytest.raises(cf.InputError, match=f"^{next(iter(given))}: expected draws, got none"):
        cf.uncertainty(cf.synthetic.world(2, 2), "CO2", cf.Errors(Z=0.1), **given)


def test_ten_draws_of_ten_are_no_certainty() -> None:
    table = cf.synthetic.world(3, 4)
    drawn = cf.uncertainty(table, "CO2", cf.Errors(F={"BE": 0.01}), draws=10).drawn
    assert drawn is not None
    for found, certain in ((drawn.probability(), 1.0), (drawn.probability(below=0.0), 0.0)):
        assert (found.value[["production", "consumption"]] == certain).all(axis=None)
        # Nothing against it in ten draws, and every probability was as likely before.
        least = stats.beta(1, 11).std()
        np.testing.assert_allclose(found.error.loc["BE", ["production", "consumption"]], least)
        assert found.error.loc["AT", "production"] == 0.0  # which no draw has moved
    made = drawn.mean.value.production
    for exactly in (drawn.probability(made["AT"]), drawn.probability(below=made["AT"])):
        assert exactly.value.production["AT"] == exactly.error.production["AT"] == 0.0
    assert drawn.probability(made["BE"]).error.production["BE"] > least


def test_without_errors_of_Z_and_Y_nothing_is_solved_and_nothing_differs() -> None:
    table = cf.synthetic.world(3, 4)
    found = cf.uncertainty(table, "CO2", cf.Errors(F=0.2, F_Y=0.2), draws=5)
    assert found.drawn is not None
    np.testing.assert_allclose(found.drawn.bias.value, 0.0, atol=1e-9 * found.value.max().max())
    np.testing.assert_allclose(found.drawn.sd.value, found.sd[DRAWN], rtol=1e-9)


def unsound() -> cf.Table:
    """Row b delivers 10 and takes back 9: draws make its output nearly nothing, or negative."""
    return cf.Table(Z=[[20.0, 3.0], [10.0, 0.0]], Y=[[40.0], [-9.0]], F=[[5.0, 1.0]],
                    regions=["DE", "FR"], sectors=["a", "b"], stressors="CO2",
                    demand=[("DE", "all")])  # fmt: skip


def test_draws_that_are_not_productive_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    found = cf.uncertainty(unsound(), "CO2", cf.Errors(Y=0.1), draws=60).drawn
    assert isinstance(found, Draws)
    assert 3 < found.not_productive < 57
    assert found.count == 60
    assert len(found.samples) == 60 - found.not_productive
    assert f"{found.not_productive} not productive" in repr(found)
    assert f"{found.not_productive} of 60 draws are not productive" in caplog.text


def test_draws_with_an_output_of_another_sign_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    """Inventories lose nearly what is delivered: output is negative in one draw of five."""
    Y = np.array([[20.0, -18.0, 15.0, 0.0], [40.0, 0.0, 30.0, 0.0]])
    table = cf.Table(
        Z=np.ones((2, 2)), Y=Y, F=np.array([[50.0, 100.0]]), regions=["A", "B"], sectors=["g", "g"],
        stressors=["CO2"], demand=[(region, use) for region in "AB" for use in ("homes", "stocks")],
    )  # fmt: skip
    errors = cf.Errors(Y=1.0)
    perturber = Perturber(table, region_flows(table, "CO2").stressor, errors, 2)
    outputs = [1.0 + 1.0 + perturber.own(number).Y.sum(axis=1) for number in range(200)]
    drawn = cf.uncertainty(table, errors=errors, draws=200, seed=2).drawn
    assert drawn is not None
    negative = int(np.sum([(output < 0.0).any() for output in outputs]))
    assert negative - drawn.not_productive <= drawn.turned <= negative
    assert drawn.turned > 20
    assert f"in {drawn.turned} of 200 draws an output changes its sign" in caplog.text


def test_a_stressor_of_no_weight_is_drawn_as_nothing() -> None:
    table = cf.synthetic.world(3, 4)
    drawn = cf.uncertainty(table, {"CO2": 0.0}, cf.Errors(F=0.1, Z=0.1), draws=3).drawn
    assert drawn is not None
    assert not drawn.samples.to_numpy().any()


@pytest.mark.parametrize("draws", [None, 2])
def test_what_is_wrong_with_a_shared_error_names_it(draws: Any) -> None:
    table = cf.synthetic.world(3, 4)
    shared = cf.SharedError("bad", 0.1, F={"Wheet": 1.0})
    with pytest.raises(LabelError, match=r"^shared 'bad', F: expected a stressor, region or sect"):
        cf.uncertainty(table, "CO2", cf.Errors(F=0.1, shared=shared), draws=draws)


def test_a_shared_error_that_is_too_large_for_its_distribution_is_named() -> None:
    errors = cf.Errors(shared=cf.SharedError("big", 0.9, F=1.0), distribution="uniform")
    with pytest.raises(InputError, match=r"^shared 'big', sd: expected relative deviations"):
        cf.uncertainty(cf.synthetic.world(3, 4), "CO2", errors, draws=2)


def test_large_errors_never_come_to_a_deviation_of_nothing() -> None:
    """Σ of Var λ, 2 Cov and Var rest, each as estimated, is below 0 in one case of a hundred."""
    table = cf.synthetic.world(2, 2)
    drawn = cf.uncertainty(table, errors=cf.Errors(Z=1.0, Y=1.0), draws=1000, seed=3).drawn
    true = drawn.sd.value
    off = []
    for first in range(0, 1000, 20):
        some = np.arange(first, first + 20)
        sd, error = drawn._sample.of(some, slice(0)).deviation()
        assert (sd[:, 1] > 0.0).all()
        assert (error[:, 1] > 0.0).all()
        off.append((sd - true.to_numpy())[:, 1] / error[:, 1])
    assert (np.abs(off) < 2.0).mean() > 0.75
