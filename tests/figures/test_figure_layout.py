"""Figures: texts that can be read, axes that are left alone, complaints that help."""

from __future__ import annotations

import io
import logging
import re
import sys
import warnings
from collections.abc import Callable
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.text import Text
from support.worlds.figure_world import DRAWN, ODD, World, odd_world, world_of

import carbonflows_fast as cf

figures = cf.figures

# Before 3.11 matplotlib has no font of boxes, and warns where no other one has a letter.
OLDER: Any = "default" if int(matplotlib.__version__.split(".")[1]) < 11 else "error"


@pytest.fixture
def world() -> World:
    return world_of(5, 4)


@pytest.fixture
def large() -> World:
    return world_of(49, 2)


def test_all_figures_are_tried() -> None:
    assert sorted(DRAWN) == sorted(figures.__all__)


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


def assert_apart(names: list[str], boxes: np.ndarray) -> None:
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    common = np.triu((high - low > 0.5).all(axis=2), 1)
    assert not common.any(), [(names[i], names[j]) for i, j in zip(*np.nonzero(common))]


def assert_readable(figure: Figure) -> list[str]:
    """No text overlaps another one, and none leaves the figure."""
    names, boxes = texts_of(figure)
    assert_apart(names, boxes)
    width, height = figure.canvas.get_width_height()
    inside = (boxes[:, :2] > -1).all(axis=1) & (boxes[:, 2:] < [width + 1, height + 1]).all(axis=1)
    assert inside.all(), [name for name, fits in zip(names, inside) if not fits]
    return names


@pytest.mark.parametrize("name", DRAWN)
def test_labels_keep_apart(name: str, world: World, large: World) -> None:
    for one in (world, large):
        assert_readable(DRAWN[name](one, None).figure)


@pytest.mark.parametrize(
    "draw",
    [
        lambda w: figures.sankey(w.flows, top=49),
        lambda w: figures.time_series(w.years, top=49),
        lambda w: figures.net_imports(w.flows, share=True),
    ],
    ids=["sankey", "time_series", "net_imports"],
)
def test_all_49_regions_can_be_read(draw: Callable[[World], Axes], large: World) -> None:
    ax = draw(large)
    shown = " ".join(assert_readable(ax.figure)).split()
    assert set(large.table.regions) <= set(shown)
    assert min(text.get_fontsize() for text in [*ax.texts, *ax.get_yticklabels()]) >= 6


def test_the_middle_column_can_be_read(large: World) -> None:
    ax = figures.sector_flow(large.study, top=15)
    assert_readable(ax.figure)
    assert len(ax.texts) == 3 * 16


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
    settings = dict(matplotlib.rcParams)
    ax = Figure(figsize=(5, 4)).add_subplot()
    assert DRAWN[name](world, ax) is ax
    assert ax.patches or ax.images or ax.lines
    assert plt.get_fignums() == []
    assert dict(matplotlib.rcParams) == settings


def test_little_to_show_is_shown(world: World) -> None:
    none = cf.structural_paths(world.table, threshold=1e30)
    one_year = world.years.loc[[2019]]
    nowhere = world.years.assign(net_share=world.years.net_share.where(lambda s: s > 0))
    same = cf.structural_decomposition(world.table, world.table)
    for ax in (
        figures.path_tree(none), figures.stage_profile(none), figures.time_series(one_year),
        figures.time_series(nowhere, "net_share"), figures.waterfall(same, change_only=True),
    ):  # fmt: skip
        assert_readable(ax.figure)


def test_small_axes_get_small_letters(large: World) -> None:
    for draw in (figures.net_imports, figures.heat_map, figures.sankey):
        ax = draw(large.flows, ax=Figure(figsize=(4.5, 4.5)).add_subplot())
        assert_apart(*texts_of(ax.figure))
        assert min(text.get_fontsize() for text in [*ax.texts, *ax.get_yticklabels()]) >= 4


def test_four_figures_on_a_page_can_be_read() -> None:
    world, page = world_of(12, 4), Figure((7, 5.4), layout="constrained")
    four = ("heat_map", "sector_flow", "path_tree", "purchases")
    axes = dict(zip(four, page.subplots(2, 2).flat))
    for name, ax in axes.items():
        DRAWN[name](world, ax)
    assert_readable(page)
    rest, bar = axes["path_tree"].texts[-1], axes["path_tree"].get_window_extent()
    assert Text.get_window_extent(rest).x1 <= bar.x1
    assert not any("…" in text.get_text() for text in axes["sector_flow"].texts)


@pytest.mark.parametrize("name", DRAWN)
def test_axes_alone_in_a_figure_without_layout_get_room(name: str, world: World) -> None:
    ax = DRAWN[name](world, Figure((4, 3)).add_subplot())
    assert_readable(ax.figure)
    assert ax.figure.get_layout_engine() is None


def test_axes_that_were_placed_stay_where_they_are(world: World) -> None:
    placed, adjusted, pair = Figure(), Figure(), Figure()
    adjusted.subplots_adjust(bottom=0.3)
    axes = placed.add_axes((0.2, 0.2, 0.6, 0.6)), adjusted.add_subplot(), pair.subplots(1, 2)[0]
    for ax in axes:
        before = ax.get_position().bounds
        assert figures.sankey(world.flows, ax=ax).get_position().bounds == before


def test_ticks_are_years_that_are_there(world: World) -> None:
    years = pd.concat(dict.fromkeys((2000, 2005, 2006, 2009), world.accounts), names=["year"])
    ax = figures.time_series(years, ax=Figure((2, 3), layout="constrained").add_subplot())
    ticks = [label.get_text() for label in ax.get_xticklabels()]
    assert set(ticks) < {"2000", "2005", "2006", "2009"}
    assert ticks[-1] == "2009"


@pytest.mark.parametrize("oddity", ODD)
def test_odd_worlds_can_be_read_in_a_column(oddity: str) -> None:
    for draw in DRAWN.values():
        column = Figure((3.5, 3.2), layout="constrained").add_subplot()
        for ax in [column, None] if oddity in ("long", "scripts") else [column]:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                warnings.filterwarnings(OLDER, message="Glyph")
                shown = assert_readable(draw(odd_world(oddity), ax).figure)
            assert not any("e-" in text or "e+" in text for text in shown)


def test_missing_letters_are_said_once(caplog: pytest.LogCaptureFixture) -> None:
    from carbonflows_fast.figures import _letters

    _letters._helpers.cache_clear()
    _letters._complain.cache_clear()
    with caplog.at_level(logging.WARNING), warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings(OLDER, message="Glyph")
        for draw in DRAWN.values():
            draw(odd_world("scripts"), None).figure.savefig(io.BytesIO())
    said = [record for record in caplog.records if record.name == _letters.__name__]
    assert len(said) <= 1  # none where a font has them


@pytest.mark.filterwarnings("ignore:Glyph")  # of matplotlib before 3.11
def test_names_that_read_leftwards_leave_numbers_in_order() -> None:
    texts = [text.get_text() for text in figures.sankey(odd_world("scripts").flows).texts]
    assert any(re.fullmatch(r"\u200eישראל\u200e  [\d.,]+ .*", text) for text in texts)


def test_long_names_keep_both_ends() -> None:
    labels = figures.net_imports(odd_world("long").flows).get_yticklabels()
    names = {label.get_text() for label in labels}
    assert len(names) == 3  # two of them begin with the same forty letters


@pytest.mark.parametrize("room", [0.0, 40.0, 60.0, 85.0, 500.0])
def test_what_is_left_over_keeps_its_count(room: float) -> None:
    from carbonflows_fast.figures._letters import fit, text_width

    assert fit("other (35)", room) == "other (35)"
    full = "other net importers (20)"
    assert fit(full, room) == (full if text_width(full) <= room else "other (20)")


def test_what_has_no_number_is_said(world: World) -> None:
    first, second, third = world.table.regions[:3]
    years = world.years.copy()
    years.attrs = world.years.attrs
    years.loc[(slice(None), first), "consumption"] = np.nan
    years.loc[(2019, second), "consumption"] = np.nan
    ax = figures.time_series(years, regions=[third, third])
    assert ax.get_xlabel().replace("\n", " ") == (
        f"no number in any year, not drawn: {first}; other (3): the sum without 1 of them in 2019"
    )
    assert [label.get_text() for label in ax.get_xticklabels()] == ["2019", "2025"]
    idle = world.accounts.copy()
    idle.loc[first, ["production", "net_share"]] = 0.0, np.nan
    label = figures.net_imports(idle, share=True).get_xlabel().replace("\n", " ")
    assert label.endswith(f"% (not drawn, without production: {first})")


@pytest.mark.parametrize("name", DRAWN)
def test_a_world_of_one_region_is_drawn(name: str) -> None:
    assert_readable(DRAWN[name](world_of(1, 2), None).figure)


# ---- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DRAWN)
def test_what_is_no_result_is_refused(name: str, world: World) -> None:
    with pytest.raises(cf.InputError, match="expected a result of"):
        getattr(figures, name)(world.table)
    with pytest.raises(cf.InputError, match="ax: expected plain matplotlib Axes, got str"):
        DRAWN[name](world, "ax")  # type: ignore[arg-type]


def test_axes_that_cannot_hold_a_figure_are_refused(world: World) -> None:
    figure = Figure()
    gone = figure.add_subplot()
    gone.remove()
    for ax, got in (
        (figure, "Figure; give its add_subplot()"),
        (figure.subfigures(), "SubFigure; give its add_subplot()"),
        (figure.subplots(2, 3), "ndarray of 6; give one of them"),
        ([figure.add_subplot()], "list of 1; give one of them"),
        (figure.add_subplot(projection="polar"), "axes of the projection 'polar'; leave it out"),
        (figure.add_subplot(projection="3d"), "axes of the projection '3d'; leave it out"),
        (gone, "axes that were removed from their figure"),
        (figure.add_subplot(xscale="log"), "axes of the scale 'log'; make it 'linear', or leave"),
        (figure.add_subplot(yscale="symlog"), "axes of the scale 'symlog'; make it 'linear'"),
        (figure.add_subplot(yscale="logit"), "axes of the scale 'logit'; make it 'linear'"),
    ):
        for draw in DRAWN.values():
            with pytest.raises(cf.InputError, match=re.escape(f"Axes, got {got}")):
                draw(world, ax)  # type: ignore[arg-type]


def chosen(world: World) -> list[tuple[Callable[..., Axes], Any]]:
    """Return the figures that have `top`, with a result for each."""
    return [
        (figures.net_imports, world.flows), (figures.heat_map, world.flows),
        (figures.sankey, world.flows), (figures.sector_flow, world.study),
        (figures.path_tree, world.paths), (figures.time_series, world.years),
    ]  # fmt: skip


def test_top_means_the_same_everywhere(world: World) -> None:
    for draw, result in chosen(world):
        few = " ".join(texts_of(draw(result, top=2).figure)[0])
        rest = r"all other chains" if draw is figures.path_tree else r"other [a-z ]*\(\d+\)"
        assert re.search(rest, few)
        full = " ".join(texts_of(draw(result, top=None).figure)[0])
        assert draw is figures.path_tree or not re.search(rest, full)
        assert draw is figures.path_tree or set(world.table.regions) <= set(full.split())


@pytest.mark.parametrize("top", [0, -1, 2.5, True, "3"])
def test_top_is_a_number(top: Any, world: World) -> None:
    for draw, result in chosen(world):
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
    for column in ("footprint", ["production"]):
        with pytest.raises(cf.LabelError, match="choose one of production, consumption"):
            figures.time_series(world.years, column)  # type: ignore[arg-type]
    for regions in ([], 5):
        with pytest.raises(cf.InputError, match="regions: expected names of regions"):
            figures.time_series(world.years, regions=regions)  # type: ignore[arg-type]
    for frame, got in (
        (pd.concat([world.years] * 2), "more than one for (2019, 'AT') and 9 more"),
        (world.years.iloc[:0], "no row"),
        (world.years.rename(index=str, level=0), "got '2019', '2025'; rename"),
        (world.years.assign(consumption="x"), "expected finite numbers"),
        (world.years.assign(consumption=np.inf), "expected finite numbers, got inf for 2019, 2025"),
        (world.years.assign(consumption=np.nan), "all of it is missing"),
    ):
        with pytest.raises(cf.InputError, match=re.escape(got)):
            figures.time_series(frame)
    for draw, result in (
        (figures.net_imports, world.accounts.assign(net_imports=np.nan)),
        (figures.stage_profile, world.layers.assign(emissions=np.nan)),
    ):
        with pytest.raises(cf.InputError, match="result: expected finite numbers, got nan for"):
            draw(result)
    with pytest.raises(cf.LabelError, match="choose one of production, consumption"):
        figures.time_series(world.years, "footprint")
    with pytest.raises(cf.LabelError, match="a country or a group of countries, got 'XX'; near"):
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
        (25_000_000, "M.EUR", "25.0 × 10⁶ M.EUR"),
        (0, "kt", "0 kt"),
        (999.6, "Gt", "1,000 Gt"),
        (4.5e13, "kt", "45.0 × 10⁶ Gt"),
        (2e-7, "kg", "200 × 10⁻⁶ g"),
        (-3e-12, "M.EUR", "−3.00 × 10⁻¹² M.EUR"),
        (0.25, "M.EUR", "0.250 M.EUR"),
        (2e-7, "", "200 × 10⁻⁹"),
        (12, "100 t", "12.0 100 t"),
    ],
)
def test_units_are_readable(value: float, unit: str, text: str) -> None:
    from carbonflows_fast._base.wording import scale_for

    assert scale_for([value], unit).text(value) == text


def test_labels_move_no_more_than_they_must() -> None:
    from carbonflows_fast.figures._axes import spread

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
