"""Figures: the numbers drawn are those of the result, and nothing is lost."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from support.worlds.figure_world import World, world_of

import carbonflows_fast as cf

figures = cf.figures


@pytest.fixture
def world() -> World:
    return world_of(5, 4)


@pytest.fixture
def large() -> World:
    return world_of(49, 2)


def bars(ax: Axes) -> dict[str, float]:
    """Widths of horizontal bars by their names."""
    names = [text.get_text() for text in ax.get_yticklabels()]
    return dict(zip(names, [bar.get_width() for bar in ax.patches], strict=True))


def test_net_imports(world: World) -> None:
    for result in (world.flows, world.accounts):
        drawn = bars(figures.net_imports(result))
        expected = world.accounts.net_imports.sort_values(ascending=False)
        assert list(drawn) == list(expected.index)
        np.testing.assert_allclose(list(drawn.values()), expected, rtol=1e-9)
    shares = bars(figures.net_imports(world.accounts, share=True))
    np.testing.assert_allclose(
        list(shares.values()), world.accounts.net_share.sort_values(ascending=False), rtol=1e-12
    )


def test_net_imports_of_some_regions_shows_all_others(large: World) -> None:
    drawn = bars(figures.net_imports(large.flows, top=6))
    balance = large.accounts.net_imports
    kept = balance.abs().sort_values(ascending=False).index[:6]
    for name in kept:
        assert drawn.pop(name) == pytest.approx(balance[name], rel=1e-9)
    others = balance.drop(kept)
    more, less = others[others > 0], others[others < 0]
    assert drawn == pytest.approx(
        {
            f"other net importers ({len(more)})": more.sum(),
            f"other net exporters ({len(less)})": less.sum(),
        }
    )


def test_net_shares_of_some_regions_are_the_largest_shares(large: World) -> None:
    accounts = large.accounts
    shares = bars(figures.net_imports(accounts, top=6, share=True))
    kept = accounts.net_share.abs().sort_values(ascending=False).index[:6]
    assert set(kept) != set(accounts.net_imports.abs().sort_values(ascending=False).index[:6])
    for name in kept:
        assert shares.pop(name) == pytest.approx(accounts.net_share[name])
    others = accounts.drop(kept)
    for what, side in (
        ("importers", others.net_imports > 0),
        ("exporters", others.net_imports < 0),
    ):
        rest = others[side][["net_imports", "production"]].sum()
        bar = shares.pop(f"other net {what} ({side.sum()})")
        assert bar == pytest.approx(rest.net_imports / rest.production)
    assert not shares


def test_heat_map(world: World, large: World) -> None:
    ax = figures.heat_map(world.flows)
    assert (ax.images[0].get_array() == world.flows.matrix.to_numpy()).all()
    assert len(ax.texts) == 25  # numbers in cells that have room for them
    merged = figures.heat_map(large.flows, top=6)
    E, names = large.flows.matrix, [text.get_text() for text in merged.get_yticklabels()]
    assert names[-1] == "other (43)"
    assert names[:-1] == [name for name in E.index if name in names]  # the order of the table
    others = [name for name in E.index if name not in names]
    array = np.asarray(merged.images[0].get_array())
    np.testing.assert_allclose(array[:-1, :-1], E.loc[names[:-1], names[:-1]])
    assert array[-1, 2] == pytest.approx(E.loc[others, names[2]].sum())
    assert array.sum() == pytest.approx(large.flows.total)


def bands_of(ax: Axes) -> dict[tuple[str, int], tuple[float, float, float]]:
    """Label and column → height, and where it leaves and arrives, of each band."""
    found = {}
    for patch in ax.patches:
        if isinstance(patch, PathPatch):
            corners = patch.get_path().vertices
            height = corners[7, 1] - corners[0, 1]
            assert corners[4, 1] - corners[3, 1] == pytest.approx(height)
            found[patch.get_label(), round(corners[0, 0])] = height, corners[0, 1], corners[3, 1]
    return found


def nodes_of(ax: Axes) -> dict[tuple[str, int], tuple[float, float]]:
    """Name and column → height and upper end of each node."""
    return {
        (box.get_label(), round(box.get_x() + box.get_width() / 2)): (box.get_height(), box.get_y())
        for box in ax.patches
        if isinstance(box, Rectangle)
    }


def assert_conserved(ax: Axes) -> None:
    """Bands that leave or enter a node tile it, without gap or overlap."""
    bands, nodes = bands_of(ax), nodes_of(ax)
    last = max(column for _, column in nodes)
    for (name, column), (height, top) in nodes.items():
        sides = []
        if column < last:
            sides.append([(leave, size) for (label, at), (size, leave, _) in bands.items()
                          if at == column and label.split(" → ")[0] == name])  # fmt: skip
        if column > 0:
            sides.append([(arrive, size) for (label, at), (size, _, arrive) in bands.items()
                          if at == column - 1 and label.split(" → ")[1] == name])  # fmt: skip
        for parts in sides:
            end = top
            for start, size in sorted(parts):
                assert start == pytest.approx(end, abs=1e-9 * height + 1e-9 * abs(top))
                end = start + size
            assert end - top == pytest.approx(height)


def test_sankey(world: World) -> None:
    ax = figures.sankey(world.flows)
    bands = bands_of(ax)
    E = world.flows.matrix
    for origin in E.index:
        for place in E.columns:
            if origin != place:
                assert bands.pop((f"{origin} → {place}", 0))[0] == pytest.approx(
                    E.loc[origin, place]
                )
    assert not bands
    assert_conserved(ax)
    assert f"({100 * world.flows.traded_share:.1f} %)" in ax.get_xlabel()


def test_sankey_of_some_regions_loses_nothing(large: World) -> None:
    ax = figures.sankey(large.flows, top=5)
    assert_conserved(ax)
    traded = large.flows.total * large.flows.traded_share
    for column in (0, 1):
        heights = [height for (_, at), (height, _) in nodes_of(ax).items() if at == column]
        assert len(heights) == 6
        assert sum(heights) == pytest.approx(traded)
    assert_conserved(figures.sankey(large.flows, top=20, ax=Figure((0.5, 0.5)).add_subplot()))
    E = large.flows.matrix.to_numpy(copy=True)
    np.fill_diagonal(E, 0.0)
    named = {name for name, _ in nodes_of(ax)}
    others = ~large.flows.matrix.index.isin(named)
    assert bands_of(ax)["other (44) → other (44)", 0][0] == pytest.approx(
        E[others][:, others].sum()
    )


def test_sector_flow(world: World, large: World) -> None:
    ax = figures.sector_flow(world.study)
    bands = bands_of(ax)
    for at, pair in enumerate((("emitted", "made"), ("made", "consumed"))):
        for (origin, place), value in world.study.by(*pair).items():
            assert bands[f"{origin} → {place}", at][0] == pytest.approx(value)
    assert_conserved(ax)
    some = figures.sector_flow(large.study, top=3)
    assert_conserved(some)
    for column in range(3):
        heights = [height for (_, at), (height, _) in nodes_of(some).items() if at == column]
        assert len(heights) == 4
        assert sum(heights) == pytest.approx(large.study.total)


def test_path_tree(world: World) -> None:
    few = cf.structural_paths(world.table, top=10)
    for paths in (world.paths, few):  # what was found beyond the ten is among the others
        through, own, rest = (
            [bar.get_width() for bar in group]
            for group in figures.path_tree(paths, top=10).containers
            if isinstance(group, BarContainer)
        )
        tree = few.tree()
        np.testing.assert_allclose(sorted(through), sorted(tree.subtotal))
        np.testing.assert_allclose(sorted(own), sorted(tree.value))
        assert sum(own) + sum(rest) == pytest.approx(paths.total)
    texts = [text.get_text() for text in figures.path_tree(world.paths, top=10).texts]
    written = [f"{region}: {sector}" for region, sector in zip(tree.region, tree.sector)]
    assert sorted(texts[: len(tree)]) == sorted(written)
    for path in few.to_frame().path:  # each step stands below the one that buys from it
        places = [texts.index(step) for step in path.split(" ← ")]
        assert places[0] == min(places)


def test_stage_profile(world: World) -> None:
    layers = [bar.get_height() for bar in figures.stage_profile(world.layers).patches]
    expected = [*world.layers.emissions, world.layers.remainder.iloc[-1]]
    np.testing.assert_allclose(layers, expected)
    tiers = [bar.get_height() for bar in figures.stage_profile(world.study).patches]
    assert sum(tiers) == pytest.approx(world.study.total)
    stages = world.paths.by_stage()
    ax = figures.stage_profile(world.paths)
    whole, rest, reported = ([bar.get_height() for bar in group] for group in ax.containers)
    np.testing.assert_allclose(whole, stages.total)
    np.testing.assert_allclose(reported, stages.value)
    assert sum(whole) + rest[0] == pytest.approx(world.paths.total)
    percent = [float(text.get_text().rstrip(" %")) for text in ax.texts]
    assert sum(percent) == pytest.approx(100, abs=0.05 * len(percent))


def test_waterfall(world: World) -> None:
    change = world.change
    for found in (change, cf.structural_decomposition(world.table, world.later, by="region")):
        drawn = figures.waterfall(found).patches
        heights = [bar.get_height() for bar in drawn]
        effects = change.to_frame().effect
        np.testing.assert_allclose(heights, [change.before, *effects, change.after], rtol=1e-9)
        bottoms = [bar.get_y() for bar in drawn]
        np.testing.assert_allclose(bottoms[1:-1], change.before + effects.cumsum() - effects)
    short = [bar.get_height() for bar in figures.waterfall(change, change_only=True).patches]
    np.testing.assert_allclose(short, [*effects, change.total], rtol=1e-9)


def test_time_series(world: World, large: World) -> None:
    for line in figures.time_series(world.years, "production", top=49).lines:
        expected = world.years.production.xs(line.get_label(), level="region")
        assert (line.get_xdata() == expected.index).all()
        assert (line.get_ydata() == expected).all()
    lines = figures.time_series(large.years, top=3).lines
    assert [line.get_label() for line in lines][-1] == "other (46)"
    total = large.years.consumption.groupby(level="year").sum()
    np.testing.assert_allclose(sum(line.get_ydata() for line in lines), total)
    assert len(figures.time_series(large.years, "net_share", top=3).lines) == 3  # have no sum
    two = list(large.table.regions[:2])
    asked = figures.time_series(large.years, regions=two).lines
    assert [line.get_label() for line in asked] == [*two, "other (47)"]


def test_negative_flows_are_counted_not_drawn() -> None:
    table = cf.Table(
        A=np.zeros((3, 3)), Y=[[6, 3, 1], [-2, 8, 0], [1, 1, 9]], S=[[1, 1, 1]], x=[10, 6, 11],
        regions=["AA", "BB", "CC"], sectors=["a", "a", "a"], stressors=["CO2"],
        stressor_units=["t"],
    )  # fmt: skip
    flows = cf.flows(table)
    ax = figures.sankey(flows)
    drawn = {label: height for (label, _), (height, *_) in bands_of(ax).items()}
    assert drawn == pytest.approx({"AA → BB": 3, "AA → CC": 1, "CC → AA": 1, "CC → BB": 1})
    assert "Negative flows of −2.00 t are not drawn" in ax.get_xlabel().replace("\n", " ")
    assert figures.heat_map(flows).get_xlabel().endswith("(1 negative flow left white)")
