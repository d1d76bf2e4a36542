"""WIOD 2009 drawn: how many plain draws know a mean as well as 50 with their linear terms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import carbonflows_fast as cf

pytestmark = pytest.mark.real_data


@pytest.mark.parametrize("of", ["accounts", "flows"])
def test_fifty_draws_are_worth_five_thousand_plain_ones(real_data: Path, of: str) -> None:
    table = cf.read(real_data / "wiod2013_2009.zip", progress=False)
    errors = cf.Errors(Z=0.1, Y=0.1)
    found = cf.uncertainty(table, errors=errors, of=of, draws=100)  # type: ignore[arg-type]
    drawn = found.drawn
    assert drawn is not None
    columns = ["consumption"] if of == "accounts" else list(found.value.columns)
    scatter = drawn.samples.std().to_numpy().reshape(drawn.mean.error.shape)
    scatter = scatter[:, [list(drawn.mean.error.columns).index(one) for one in columns]]
    of_fifty = drawn.mean.error[columns].to_numpy() * np.sqrt(100 / 50)
    plain = np.square(scatter / of_fifty)  # draws whose mean is as sure
    assert np.median(plain) > 5000
    assert plain.min() > 50  # nowhere worse than without
    # Deviations are those of the first order, but for regions with an output close to zero.
    ratio = (drawn.sd.value[columns] / found.sd[columns]).to_numpy()
    assert abs(np.median(ratio) - 1.0) < 0.01
    assert drawn.count == 100
    assert drawn.not_productive <= 2


def test_every_region_gains_where_no_output_is_close_to_zero(real_data: Path) -> None:
    """Rows whose deliveries are mostly taken from inventories have no errors of Y here."""
    table = cf.read(real_data / "wiod2013_2009.zip", progress=False)
    Y, x = table.Y.to_numpy(), table.x.to_numpy()
    close = np.abs(Y).sum(axis=1) > 2.0 * np.abs(x)
    assert 0 < close.sum() < 10
    deviations = np.where(close[:, None], 0.0, np.full(Y.shape, 0.1))
    found = cf.uncertainty(table, errors=cf.Errors(Z=0.1, Y=deviations, F=0.1), draws=100)
    assert found.drawn is not None
    said = found.drawn.mean.error.consumption * np.sqrt(100 / 50)
    assert (np.square(found.sd.consumption / said) > 5000).all()
    assert found.drawn.turned == found.drawn.not_productive == 0
