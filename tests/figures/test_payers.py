"""The figure of who pays a carbon price."""

from __future__ import annotations

import numpy as np
import pytest
from support.worlds.figure_world import World, world_of

import carbonflows_fast as cf
from carbonflows_fast import figures
from carbonflows_fast.errors import InputError

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def world() -> World:
    return world_of(9, 4)


def test_bars_are_what_is_paid_and_what_others_collect(world: World) -> None:
    effects = world.price
    ax = figures.payers(effects, top=None, names={"AT": "Austria"})
    flow = effects.flow
    paid = flow.sum(axis=0).sort_values(ascending=False, key=abs)
    here = [{"AT": "Austria"}.get(region, region) for region in paid.index]
    assert [label.get_text() for label in ax.get_yticklabels()] == here
    widths = np.array([bar.get_width() for bar in ax.patches])
    count = len(paid)
    np.testing.assert_allclose(widths[:count], paid)
    own = [flow[region].get(region, 0.0) for region in paid.index]
    np.testing.assert_allclose(widths[count:], paid - own, atol=1e-9 * paid.max())
    assert "red is collected by another region" in ax.get_xlabel().replace("\n", " ")


def test_the_rest_is_one_bar(world: World) -> None:
    ax = figures.payers(world.price, top=3)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[-1] == "other (6)"
    widths = [bar.get_width() for bar in ax.patches][:4]
    assert sum(widths) == pytest.approx(world.price.paid)


def test_other_results_are_refused(world: World) -> None:
    with pytest.raises(InputError, match=r"result: expected a result of cf.carbon_price"):
        figures.payers(world.accounts)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"top: expected a whole number"):
        figures.payers(world.price, top=0)
    assert isinstance(world.price, cf.PriceEffects)
