"""Figures of responsibility told four ways, and of what would be lost without a sector."""

from __future__ import annotations

import numpy as np
import pytest
from support.worlds.figure_world import World, world_of

import carbonflows_fast as cf
from carbonflows_fast import figures
from carbonflows_fast.errors import InputError

pytest.importorskip("matplotlib")
WAYS = ["production", "consumption", "income", "technology_adjusted"]


@pytest.fixture(scope="module")
def world() -> World:
    return world_of(9, 4)


def labels(ax: object) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()]  # type: ignore[attr-defined]


def test_marks_are_the_four_accounts(world: World) -> None:
    ax = figures.responsibility(world.told, top=None, names={"AT": "Austria"})
    size = world.told[WAYS].abs().max(axis=1).sort_values(ascending=False, kind="stable")
    assert labels(ax) == [{"AT": "Austria"}.get(region, region) for region in size.index]
    for way, line in zip(WAYS, ax.lines):
        assert line.get_label() == way.replace("_", "-")
        np.testing.assert_allclose(line.get_xdata(), world.told[way][size.index])


def test_the_rest_of_the_regions_is_a_row(world: World) -> None:
    ax = figures.responsibility(world.told, top=3)
    assert labels(ax)[-1] == "other (6)"
    for way, line in zip(WAYS, ax.lines):
        assert np.sum(line.get_xdata()) == pytest.approx(world.told[way].sum())


def test_accounts_per_head_have_no_rest(world: World) -> None:
    heads = {region: at + 1.0 for at, region in enumerate(world.table.regions[:-1])}
    told = cf.responsibility(world.table.with_changes(population=heads), per_head=True)
    ax = figures.responsibility(told, top=3)
    assert len(labels(ax)) == 3
    assert "5 more regions are not drawn" in ax.get_xlabel().replace("\n", " ")
    assert world.table.regions[-1] not in labels(figures.responsibility(told, top=None))


@pytest.mark.parametrize("by", ["region", "sector"])
def test_bars_are_what_would_be_lost(world: World, by: str) -> None:
    lost = world.lost["emissions_lost"].groupby(level=by, sort=False).sum()
    ax = figures.extraction(world.lost, by=by, top=None)
    order = lost.sort_values(ascending=False, kind="stable", key=abs)
    assert labels(ax) == list(order.index)
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], order)
    some = figures.extraction(world.lost, by=by, top=2)
    assert labels(some)[-1] == f"other ({len(lost) - 2})"
    assert sum(bar.get_width() for bar in some.patches) == pytest.approx(lost.sum())


def test_other_frames_are_refused(world: World) -> None:
    with pytest.raises(InputError, match=r"told: expected the four accounts .*'production'"):
        figures.responsibility(world.accounts[["imports"]])
    with pytest.raises(InputError, match=r"found: expected what cf.extraction returns"):
        figures.extraction(world.accounts)
    with pytest.raises(InputError, match=r"by: expected"):
        figures.extraction(world.lost, by="row")
