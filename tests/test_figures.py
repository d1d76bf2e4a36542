"""Figures: what is drawn is what was found, nothing is lost, and nothing runs into anything."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.text import Text

import carbonflows_fast as cf

figures = cf.figures


class World:
    """Results of one small world, each asked for once."""

    def __init__(self, regions: int, sectors: int) -> None:
        self.table = cf.synthetic.world(regions, sectors, seed=3)
        self.later = cf.synthetic.world(regions, sectors, seed=3, year=2025)
        self.flows = cf.flows(self.table)
        self.accounts = cf.accounts(self.table)
        self.study = cf.sector_study(self.table, sectors=self.table.sectors[0])
        self.paths = cf.structural_paths(self.table, top=40)
        self.layers = cf.production_layers(self.table, layers=6)
        self.change = cf.structural_decomposition(self.table, self.later)
        years = {2019: self.accounts, 2025: cf.accounts(self.later)}
        self.years = pd.concat(years, names=["year"])
        self.years.attrs = self.accounts.attrs


DRAWN: dict[str, Callable[[World, Axes | None], Axes]] = {
    "net_imports": lambda w, ax: figures.net_imports(w.flows, ax=ax),
    "heat_map": lambda w, ax: figures.heat_map(w.flows, ax=ax),
    "sankey": lambda w, ax: figures.sankey(w.flows, ax=ax),
    "sector_flow": lambda w, ax: figures.sector_flow(w.study, ax=ax),
    "path_tree": lambda w, ax: figures.path_tree(w.paths, ax=ax),
    "stage_profile": lambda w, ax: figures.stage_profile(w.paths, ax=ax),
    "waterfall": lambda w, ax: figures.waterfall(w.change, ax=ax),
    "time_series": lambda w, ax: figures.time_series(w.years, ax=ax),
}


@pytest.fixture(scope="module")
def world() -> World:
    return World(5, 4)


@pytest.fixture(scope="module")
def large() -> World:
    return World(49, 2)


def test_all_figures_are_tried() -> None:
    assert sorted(DRAWN) == sorted(figures.__all__)


# ---- numbers drawn are the numbers of the result -------------------------------------------------


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
            f"{len(more)} other net importers": more.sum(),
            f"{len(less)} other net exporters": less.sum(),
        }
    )
    shares = bars(figures.net_imports(large.accounts, top=6, share=True))
    produced = large.accounts.production[more.index].sum()
    assert shares[f"{len(more)} other net importers"] == pytest.approx(more.sum() / produced)


def test_heat_map(world: World, large: World) -> None:
    ax = figures.heat_map(world.flows)
    assert (ax.images[0].get_array() == world.flows.matrix.to_numpy()).all()
    assert len(ax.texts) == 25  # numbers in cells that have room for them
    merged = figures.heat_map(large.flows, top=6)
    E, names = large.flows.matrix, [text.get_text() for text in merged.get_yticklabels()]
    assert names[-1] == "43 others"
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
    assert f"{world.flows.traded_share:.0%}" in ax.get_xlabel()


def test_sankey_of_some_regions_loses_nothing(large: World) -> None:
    ax = figures.sankey(large.flows, top=5)
    assert_conserved(ax)
    traded = large.flows.total * large.flows.traded_share
    for column in (0, 1):
        heights = [height for (_, at), (height, _) in nodes_of(ax).items() if at == column]
        assert len(heights) == 6
        assert sum(heights) == pytest.approx(traded)
    E = large.flows.matrix.to_numpy(copy=True)
    np.fill_diagonal(E, 0.0)
    named = {name for name, _ in nodes_of(ax)}
    others = ~large.flows.matrix.index.isin(named)
    assert bands_of(ax)["44 others → 44 others", 0][0] == pytest.approx(E[others][:, others].sum())


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
    percent = [float(text.get_text().rstrip("%")) for text in ax.texts]
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
    assert [line.get_label() for line in lines][-1] == "46 others"
    total = large.years.consumption.groupby(level="year").sum()
    np.testing.assert_allclose(sum(line.get_ydata() for line in lines), total)
    assert len(figures.time_series(large.years, "net_share", top=3).lines) == 3  # have no sum
    two = list(large.table.regions[:2])
    asked = figures.time_series(large.years, regions=two).lines
    assert [line.get_label() for line in asked] == [*two, "47 others"]


# ---- they can be read ----------------------------------------------------------------------------


def texts_of(figure: Figure) -> tuple[list[str], np.ndarray]:
    """All texts that a figure shows, and their boxes (k, 4) in pixels: x0, y0, x1, y1."""
    for band in figure.findobj(PathPatch):  # thousands, with no part in where texts are
        band.set_visible(False)
    figure.draw_without_rendering()
    texts = list(figure.texts)
    for ax in figure.axes:
        texts += [*ax.texts, ax.xaxis.label, ax.yaxis.label, ax.title]
        texts += ax.get_legend().get_texts() if ax.get_legend() else []
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            texts += [label for place, label in zip(axis.get_ticklocs(), axis.get_ticklabels())
                      if low <= place <= high]  # fmt: skip
    texts = [text for text in texts if text.get_visible() and text.get_text().strip()]
    # An annotation counts its arrow; the letters are what must not run into others.
    boxes = np.array([Text.get_window_extent(text).extents for text in texts])
    return [text.get_text() for text in texts], boxes


def assert_readable(figure: Figure) -> None:
    names, boxes = texts_of(figure)
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    common = np.triu((high - low > 0.5).all(axis=2), 1)
    assert not common.any(), [(names[i], names[j]) for i, j in zip(*np.nonzero(common))]
    width, height = figure.canvas.get_width_height()
    inside = (boxes[:, :2] > -1).all(axis=1) & (boxes[:, 2:] < [width + 1, height + 1]).all(axis=1)
    assert inside.all(), [name for name, fits in zip(names, inside) if not fits]


@pytest.mark.parametrize("name", DRAWN)
def test_labels_keep_apart(name: str, world: World, large: World) -> None:
    for one in (world, large):
        assert_readable(DRAWN[name](one, None).figure)


@pytest.mark.parametrize(
    "draw",
    [
        lambda w: figures.sankey(w.flows, top=49),
        lambda w: figures.sector_flow(w.study, top=49),
        lambda w: figures.time_series(w.years, top=49),
        lambda w: figures.net_imports(w.flows, share=True),
    ],
    ids=["sankey", "sector_flow", "time_series", "net_imports"],
)
def test_all_49_regions_can_be_read(draw: Callable[[World], Axes], large: World) -> None:
    ax = draw(large)
    assert_readable(ax.figure)
    shown = " ".join(texts_of(ax.figure)[0]).split()
    assert set(large.table.regions) <= set(shown)
    assert min(text.get_fontsize() for text in [*ax.texts, *ax.get_yticklabels()]) >= 6


def test_texts_stay_texts_and_the_same(world: World) -> None:
    dollars = cf.synthetic.world(2, 2)
    regions = {"AT": "A$T_a$", "BE": "B^e"}
    flows = cf.flows(dollars).aggregate(regions=regions)  # no formulas, whatever a label holds
    saved = []
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "figures"}):
        for _ in range(2):
            file = io.BytesIO()
            figures.sankey(flows).figure.savefig(file, format="svg", metadata={"Date": None})
            saved.append(file.getvalue())
    assert saved[0] == saved[1]
    text = saved[0].decode()
    assert text.count("A$T_a$") >= 2
    assert "B^e" in text
    assert "emitted in" in text


# ---- where they are drawn ------------------------------------------------------------------------


@pytest.mark.parametrize("name", DRAWN)
def test_axes_given_are_used_and_pyplot_is_left_alone(name: str, world: World) -> None:
    before, settings = plt.get_fignums(), dict(matplotlib.rcParams)
    ax = Figure(figsize=(5, 4)).add_subplot()
    assert DRAWN[name](world, ax) is ax
    assert ax.patches or ax.images or ax.lines
    assert DRAWN[name](world, None).figure is not ax.figure
    assert plt.get_fignums() == before == []
    assert dict(matplotlib.rcParams) == settings


@pytest.mark.parametrize("name", DRAWN)
def test_a_world_of_one_region_is_drawn(name: str) -> None:
    assert_readable(DRAWN[name](World(1, 2), None).figure)


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


# ---- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DRAWN)
def test_what_is_no_result_is_refused(name: str, world: World) -> None:
    with pytest.raises(cf.InputError, match="expected a result of"):
        getattr(figures, name)(world.table)
    with pytest.raises(cf.InputError, match="ax: expected matplotlib Axes, got str"):
        DRAWN[name](world, "ax")  # type: ignore[arg-type]


@pytest.mark.parametrize("top", [0, -1, 2.0, True, "many"])
def test_top_is_a_number(top: Any, world: World) -> None:
    for draw, result in (
        (figures.net_imports, world.flows), (figures.heat_map, world.flows),
        (figures.sankey, world.flows), (figures.sector_flow, world.study),
        (figures.path_tree, world.paths), (figures.time_series, world.years),
    ):  # fmt: skip
        with pytest.raises(cf.InputError, match="top: expected a whole number of at least 1"):
            draw(result, top=top)


def test_results_that_do_not_fit(world: World) -> None:
    array = cf.flows(world.table, demand=np.ones(world.table.n))
    for draw in (figures.net_imports, figures.heat_map, figures.sankey):
        with pytest.raises(cf.InputError, match="consume"):
            draw(array)
    by = cf.structural_decomposition(world.table, world.later, by="coefficient")
    with pytest.raises(cf.InputError, match="expected effects of factors"):
        figures.waterfall(by)
    with pytest.raises(cf.InputError, match="expected the accounts of one table"):
        figures.net_imports(world.layers)
    with pytest.raises(cf.InputError, match="expected the accounts of one table"):
        figures.net_imports(world.years)
    with pytest.raises(cf.InputError, match="expected layers"):
        figures.stage_profile(world.accounts)
    with pytest.raises(cf.InputError, match="expected an index of year and region"):
        figures.time_series(world.accounts)
    with pytest.raises(cf.LabelError, match="choose one of production, consumption"):
        figures.time_series(world.years, "footprint")
    with pytest.raises(cf.LabelError, match="expected regions of the accounts, got 'XX'"):
        figures.time_series(world.years, regions=["XX"])


def test_without_matplotlib_one_sentence_says_how_to_get_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    for draw in DRAWN.values():
        with pytest.raises(cf.InputError, match=r"pip install 'carbonflows_fast\[figures\]'"):
            draw(world, None)


# ---- units, and places of labels -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (28_100_000, "kt", "28.1 Gt"),
        (1_380_000, "kt", "1,380 Mt"),
        (-370_000, "Gg", "−370 Mt"),
        (0.5, "kg CO2-eq", "500 g CO2-eq"),
        (12, "", "12.0"),
        (25_000_000, "M.EUR", "25.0 10⁶ M.EUR"),
        (0, "kt", "0 kt"),
        (999.6, "Gt", "1,000 Gt"),
    ],
)
def test_units_are_readable(value: float, unit: str, text: str) -> None:
    from carbonflows_fast.figures._canvas import scale_for

    assert scale_for([value], unit).text(value) == text


def test_labels_move_no_more_than_they_must() -> None:
    from carbonflows_fast.figures._canvas import spread

    rng = np.random.default_rng(0)
    for count in (1, 2, 7, 40):
        wanted = np.sort(rng.uniform(0, 10, count))
        places = np.array(spread(wanted.tolist(), 0.2, 0.0, 10.0))
        assert (np.diff(places) > 0.2 - 1e-9).all()
        assert places[0] >= -1e-9
        assert places[-1] <= 10 + 1e-9
        moved = ((places - wanted) ** 2).sum()
        for _ in range(20):  # no other places that keep the distance are nearer
            others = np.sort(rng.uniform(0, 10 - 0.2 * (count - 1), count))
            others = (others + 0.2 * np.arange(count) + 9 * places) / 10
            assert ((others - wanted) ** 2).sum() >= moved - 1e-9
    assert spread([5.0] * 3, 10.0, 0.0, 4.0) == [0.0, 2.0, 4.0]
