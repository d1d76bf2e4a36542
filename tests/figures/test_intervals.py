"""Intervals in figures: those of `uncertainty`, for sums of others too."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from support.worlds.figure_world import World, world_of

import carbonflows_fast as cf

figures = cf.figures


@pytest.fixture
def world() -> World:
    return world_of(9, 3)


def lines(ax: Axes) -> np.ndarray:
    """The ends of the intervals, (rows, 2), from top to bottom; those of hlines are pale."""
    found = [one for one in ax.collections if isinstance(one, LineCollection)]
    return np.array([segment[:, 0] for segment in found[-1].get_segments()])


def names(ax: Axes) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()]


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_bars_have_the_intervals_of_their_accounts(world: World, level: float) -> None:
    ax = figures.net_imports(world.sure, top=4, level=level)
    plain = figures.net_imports(world.accounts, top=4)
    assert names(ax) == names(plain)
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches],
                               [bar.get_width() for bar in plain.patches])  # fmt: skip
    assert ax.get_xlabel() == f"{plain.get_xlabel()}; lines are {100 * level:g} % intervals"
    net, z = world.sure.value.net_imports, NormalDist().inv_cdf(0.5 + level / 2)
    others = 0
    for name, (low, high) in zip(names(ax), lines(ax), strict=True):
        members = [name]
        if name.startswith("other"):
            others += 1
            above = "importers" in name
            members = [one for one in net.index if (net[one] > 0) == above and one not in names(ax)]
        total = world.sure.total("net_imports", members)
        np.testing.assert_allclose((low + high) / 2, total.value, rtol=1e-9, atol=1e-6)
        np.testing.assert_allclose((high - low) / 2, z * total.sd, rtol=1e-6)
    assert others
    assert len(plain.collections) == 0


def test_names_are_not_taken_for_labels(world: World) -> None:
    first, second, *_ = world.table.regions
    swapped = {first: second, second: first}
    ax = figures.net_imports(world.sure, names=swapped)
    plain = figures.net_imports(world.sure)
    np.testing.assert_allclose(lines(ax), lines(plain))
    assert names(ax) == [swapped.get(name, name) for name in names(plain)]


@pytest.mark.parametrize("account", [None, "production", "net_imports"])
def test_a_ranking_has_values_and_intervals(world: World, account: Any) -> None:
    ax = figures.ranking(world.sure, account, top=5)
    asked = account or "consumption"
    largest = world.sure.value[asked].sort_values(ascending=False)
    assert names(ax) == list(largest.index[:5])
    np.testing.assert_allclose(ax.lines[0].get_xdata(), largest[:5])
    low, high = (side[asked][largest.index[:5]] for side in world.sure.interval())
    np.testing.assert_allclose(lines(ax), np.c_[low, high])
    label = ax.get_xlabel().replace("\n", " ")
    assert label.startswith(f"{asked.replace('_', ' ')} of CO2, ")
    assert f"; lines are 90 % intervals; {len(largest) - 5} smaller ones not drawn: " in label


def test_a_ranking_of_flows_names_both_ends(world: World) -> None:
    ax = figures.ranking(world.sure_flows, top=6, names={"AT": "Austria"})
    rows = world.flows.top(6)
    called = [{"AT": "Austria"}.get(one, one) for one in [*rows["from"], *rows["to"]]]
    assert names(ax) == [f"{a} → {b}" for a, b in zip(called[:6], called[6:], strict=True)]
    np.testing.assert_allclose(ax.lines[0].get_xdata(), rows["value"])
    low, high = world.sure_flows.interval()
    expected = [(low.loc[a, b], high.loc[a, b]) for a, b in zip(rows["from"], rows["to"])]
    np.testing.assert_allclose(lines(ax), expected)


def test_one_that_would_be_left_over_is_drawn(world: World) -> None:
    assert len(names(figures.ranking(world.sure, top=8))) == 9
    assert len(names(figures.ranking(world.sure, top=7))) == 7
    assert len(names(figures.ranking(world.sure, top=None))) == 9
    assert "not drawn" not in figures.ranking(world.sure, top=8).get_xlabel()


def test_what_does_not_fit_is_refused(world: World) -> None:
    for ask, said in (
        (lambda: figures.net_imports(world.sure, share=True), "share: expected False"),
        (lambda: figures.net_imports(world.sure, level=90), "level: expected"),
        (lambda: figures.net_imports(world.sure_flows), "result: expected the accounts"),
        (lambda: figures.ranking(world.sure, "exported"), "account: expected 'production'"),
        (lambda: figures.ranking(world.sure_flows, "exports"), "account: expected None"),
        (lambda: figures.ranking(world.sure, level=0), "level: expected"),
        (lambda: figures.ranking(world.sure, top=0), "top: expected a whole number"),
        (lambda: figures.ranking(world.accounts), "result: expected a result of cf.uncertainty"),
    ):  # fmt: skip
        with pytest.raises(cf.InputError, match=f"^{said}"):
            ask()
