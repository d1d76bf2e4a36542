"""Figures of pyplot: shown once, closed where drawing fails, and none of them for a report."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from support.worlds.figure_world import DRAWN, World, world_of
from support.worlds.small_table import SENTENCE

import carbonflows_fast as cf
from carbonflows_fast.figures._frame import on_page

figures = cf.figures
NAMES = {"AT": "Austria", "BE": "Belgium", "DE": "Germany"}

HEADLESS = """
import sys
import carbonflows_fast as cf
loaded = "matplotlib" in sys.modules
flows = cf.flows(cf.synthetic.world(2, 2))
loaded |= "matplotlib" in sys.modules
ax = cf.figures.net_imports(flows)
import matplotlib
print(loaded, matplotlib.get_backend().lower(), matplotlib.pyplot.get_fignums())
"""


@pytest.fixture(scope="module")
def world() -> World:
    return world_of(5, 4)


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_of_its_own_is_one_of_pyplot(name: str, world: World) -> None:
    ax = DRAWN[name](world, None)
    (number,) = plt.get_fignums()
    assert plt.figure(number) is ax.figure
    assert plt.gca() is ax  # what the user adds goes there
    plt.close(ax.figure)  # type: ignore[arg-type]
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_that_fails_leaves_none_open(
    name: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = plt.figure()

    def fail(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("carbonflows_fast.figures._frame.bare", fail)
    with pytest.raises(KeyboardInterrupt):
        DRAWN[name](world, None)
    assert plt.get_fignums() == [kept.number]  # type: ignore[union-attr]


def test_a_page_has_figures_that_pyplot_does_not_know(world: World) -> None:
    with on_page(3.6):
        drawn = [draw(world, None).figure for draw in DRAWN.values()]
    assert plt.get_fignums() == []
    assert {figure.get_size_inches()[0] for figure in drawn} <= {3.5, 3.6}  # type: ignore[union-attr]
    assert figures.sankey(world.flows).figure.get_size_inches()[0] == 7.2  # type: ignore[union-attr]


@pytest.mark.parametrize("backend", [None, "agg", "svg"])
def test_without_a_screen_no_window_is_asked_for(backend: str | None) -> None:
    without = {"DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND"}
    given = {key: value for key, value in os.environ.items() if key not in without}
    given |= {"MPLBACKEND": backend} if backend else {}
    done = subprocess.run(
        [sys.executable, "-c", HEADLESS], env=given, capture_output=True, text=True, check=True
    )
    windows = sys.platform != "linux" and backend is None  # these have a screen always
    assert windows or done.stdout.split() == ["False", backend or "agg", "[1]"]


def test_a_backend_that_cannot_be_loaded_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Figure:
        raise ImportError("Cannot load backend 'TkAgg', as 'headless' is currently running")

    monkeypatch.setattr(plt, "figure", fail)
    with pytest.raises(cf.InputError, match=SENTENCE) as raised:
        figures.sankey(world.flows)
    assert "matplotlib: expected a backend that can be loaded here, got Cannot" in str(raised.value)
    assert figures.sankey(world.flows, ax=Figure().add_subplot())  # what the sentence advises
    matplotlib.use("agg")


# ---- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "draw",
    [
        lambda w, **given: figures.net_imports(w.flows, **given),
        lambda w, **given: figures.net_imports(w.accounts, share=True, **given),
        lambda w, **given: figures.heat_map(w.flows, **given),
        lambda w, **given: figures.sankey(w.flows, **given),
        lambda w, **given: figures.sector_flow(w.study, **given),
        lambda w, **given: figures.path_tree(w.paths, **given),
        lambda w, **given: figures.time_series(w.years, **given),
    ],
)
def test_regions_may_have_names(draw: Any, world: World) -> None:
    def written(ax: Any) -> list[str]:
        found = {text.get_text() for text in ax.figure.findobj(matplotlib.text.Text)}
        return sorted(text for text in found if any(letter.isalpha() for letter in text))

    def renamed(text: str) -> str:
        for label, name in NAMES.items():
            text = (
                name + text[2:] if text == label or text[:3] in (f"{label} ", f"{label}:") else text
            )
        return text

    plain, named = written(draw(world)), written(draw(world, names=NAMES))
    assert sorted(map(renamed, plain)) == named
    assert plain != named
    for bad in ("China", {"AT": 3}, {"AT": "BE"}, {"AT": "one", "BE": "one"}):
        with pytest.raises(cf.InputError, match=SENTENCE) as raised:
            draw(world, names=bad)
        assert str(raised.value).startswith("names: expected ")


# ---- shares --------------------------------------------------------------------------------------


def test_regions_that_emit_less_than_nothing_have_no_net_share() -> None:
    table = cf.Table(
        A=np.zeros((3, 3)), Y=np.diag([6.0, 5.0, 4.0]) + 1, S=[[1.0, -1.0, 0.9]], x=[9, 8, 7],
        regions=["AA", "BB", "CC"], sectors=["a"] * 3, stressors=["CO2"],
    )  # fmt: skip
    accounts = cf.accounts(table).drop(columns="net_share")  # which divides by sizes
    accounts.loc["CC", "production"] = 1e-15
    ax = figures.net_imports(accounts, share=True)
    assert len(ax.patches) == 1  # BB emits less than nothing, CC nothing that is more than a rest
    assert "not drawn, without production: BB, CC" in ax.get_xlabel().replace("\n", " ")
