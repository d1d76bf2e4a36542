"""WIOD 2009 drawn: how many plain draws know a mean as well as 50 with their linear terms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import carbonflows_fast as cf

pytestmark = pytest.mark.real_data


@pytest.mark.parametrize(("of", "least"), [("accounts", 5000), ("flows", 500)])
def test_fifty_draws_are_worth_thousands_of_plain_ones(
    real_data: Path, of: Any, least: int
) -> None:
    """Rows whose deliveries are mostly taken from inventories have no errors of Y here.

    Their output is a small difference, and where it may cross zero, coefficients have no mean.
    """
    table = cf.read(real_data / "wiod2013_2009.zip", progress=False)
    Y, x = table.Y.to_numpy(), table.x.to_numpy()
    close = np.abs(Y).sum(axis=1) > 2.0 * np.abs(x)
    assert 0 < close.sum() < 10
    deviations = np.where(close[:, None], 0.0, np.full(Y.shape, 0.1))
    errors = cf.Errors(Z=0.1, Y=deviations, F=0.1)
    found = cf.uncertainty(table, errors=errors, of=of, draws=100)
    drawn = found.drawn
    assert drawn is not None
    columns = ["consumption"] if of == "accounts" else list(found.value.columns)
    of_fifty = drawn.mean.error[columns].to_numpy() * np.sqrt(100 / 50)
    plain = np.square(found.sd[columns].to_numpy() / of_fifty)  # draws whose mean is as sure
    assert np.median(plain) > 5000
    assert plain.min() > least
    ratio = (drawn.sd.value[columns] / found.sd[columns]).to_numpy()
    assert abs(np.median(ratio) - 1.0) < 0.01
    assert drawn.count == 100
    assert drawn.turned == drawn.not_productive == 0


def test_an_output_that_may_cross_zero_is_counted(real_data: Path) -> None:
    table = cf.read(real_data / "wiod2013_2009.zip", progress=False)
    drawn = cf.uncertainty(table, errors=cf.Errors(Z=0.1, Y=0.1), draws=20).drawn
    assert drawn is not None
    assert drawn.turned > 0
    assert drawn.count == 20
