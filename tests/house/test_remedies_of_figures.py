"""What errors about figures advise is done, and works."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from unittest import mock

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure
from support.advice import Case, advice_tests, python
from support.worlds.figure_world import World, world_of

import carbonflows_fast as cf
from carbonflows_fast import figures

COVERED = [f"figures/{name}" for name in (
    "_axes", "_chains", "_changes", "_frame", "_largest", "_letters", "_losses", "_payers",
    "_ranking", "_regions", "_rows", "_sankey", "_viewpoints",
)]  # fmt: skip
"""Modules whose every piece of advice has a case."""


def world() -> World:
    return world_of(3, 3)


def years(**changes: Any) -> pd.DataFrame:
    return world().years.assign(**changes)


def renamed(year: Any) -> pd.DataFrame:
    """Accounts of years, of which one has another name."""
    return world().years.rename(index={2025: year}, level="year")


def lacking(*values: float) -> pd.DataFrame:
    """Accounts, with other numbers in some rows."""
    found = world().accounts.copy()
    found.iloc[: len(values), found.columns.get_loc("net_imports")] = values
    return found


def of_coefficients() -> Any:
    return cf.structural_decomposition(world().table, world().later, by="coefficient")


def series(accounts: Any, column: str = "consumption", **options: Any) -> Any:
    return figures.time_series(accounts, column, **options)


def drawn_on(ax: Any) -> Any:
    return figures.net_imports(world().flows, ax=ax)


def on_scale(scale: str) -> Any:
    ax = Figure().add_subplot()
    ax.set_xscale(scale)
    return drawn_on(ax)


def removed() -> Any:
    ax = Figure().add_subplot()
    ax.remove()
    return ax


def without_matplotlib() -> Any:
    with mock.patch.dict(sys.modules, {"matplotlib.axes": None}):
        return drawn_on(None)


def without_a_backend(ax: Any = None) -> Any:
    with mock.patch.object(pyplot, "figure", side_effect=ImportError("no display")):
        return drawn_on(ax)


CASES = [
    Case(lambda: figures.responsibility(world().accounts), "give its result",
         lambda _: figures.responsibility(world().told)),
    Case(lambda: figures.extraction(world().accounts), "give its result",
         lambda _: figures.extraction(world().lost)),
    # axes
    Case(lambda: drawn_on(Figure()), r"give its (add_subplot\(\))",
         lambda code: drawn_on(python(f"figure.{code}", figure=Figure()))),
    Case(lambda: drawn_on(Figure().subplots(2)), "give one of them",
         lambda _: drawn_on(Figure().subplots(2)[0])),
    Case(lambda: drawn_on(removed()), "leave it out for a figure of its own",
         lambda _: drawn_on(None)),
    Case(lambda: on_scale("log"), "make it 'linear', or leave it out for a figure of its own",
         lambda _: [on_scale("linear"), drawn_on(None)]),
    Case(without_matplotlib, r"install it with `pip install '(carbonflows_fast\[figures\])'`",
         lambda _: "matplotlib" in extra_called("figures")),
    Case(without_a_backend,
         r"call (matplotlib\.use\('agg'\)) first, or give axes of your own as ax",
         lambda code: [without_a_backend(Figure().add_subplot()), backend_after(code)]),
    Case(lambda: figures.net_imports(world().flows, names=["x"]), r"give e\.g\. (\{.*\})",
         lambda code: figures.net_imports(world().flows, names=python(code))),
    Case(lambda: figures.net_imports(
             world().flows, names=dict.fromkeys(world().table.regions, "x")),
         "leave these out to keep their labels",
         lambda _: figures.net_imports(world().flows, names={})),
    # results
    Case(lambda: figures.heat_map(world().table), "ask for it first",
         lambda _: figures.heat_map(cf.flows(world().table))),
    Case(lambda: figures.net_imports(world().flows, level=0.5),
         r"leave it out, or give one of (cf\.uncertainty)",
         lambda code: [figures.net_imports(world().flows),
                       figures.net_imports(
                           python(code)(world().table, "CO2", cf.Errors(F=0.1)), level=0.5)]),
    Case(lambda: figures.net_imports(world().flows, top=0), "leave it out for what can be read",
         lambda _: figures.net_imports(world().flows)),
    Case(lambda: figures.net_imports(lacking(np.nan)), "leave these rows out",
         lambda _: figures.net_imports(lacking(np.nan).dropna(subset="net_imports"))),
    Case(lambda: series(years(consumption="1 kt")), "convert them",
         lambda _: series(years(consumption=float("1 kt".removesuffix(" kt"))))),
    Case(lambda: figures.net_imports(world().years),
         "give the result of cf.accounts or cf.flows, or cf.uncertainty of accounts",
         lambda _: [figures.net_imports(world().accounts), figures.net_imports(world().flows),
                    figures.net_imports(world().sure)]),
    Case(lambda: figures.net_imports(world().sure, share=True),
         "leave it out, or give accounts without intervals",
         lambda _: [figures.net_imports(world().sure),
                    figures.net_imports(world().accounts, share=True)]),
    *(Case(lambda result=result: figures.ranking(result, "import"), "leave it out",
           lambda _, result=result: figures.ranking(result))
      for result in (world().sure, world().sure_flows)),
    Case(lambda: figures.ranking(world().sure_share),
         r'ask cf\.uncertainty\(…, (of="accounts")\)',
         lambda _: figures.ranking(world().sure)),
    Case(lambda: figures.stage_profile(world().accounts),
         "give the result of cf.production_layers",
         lambda _: figures.stage_profile(world().layers)),
    # changes
    Case(lambda: figures.waterfall(of_coefficients()), "ask for by=None, 'region' or 'product'",
         lambda _: [figures.waterfall(cf.structural_decomposition(
             world().table, world().later, by=by)) for by in (None, "region", "product")]),
    Case(lambda: series(world().accounts), "give the result of Panel.accounts",
         lambda _: series(world().years)),
    Case(lambda: series(pd.concat([world().years] * 2)), "give the result of Panel.accounts",
         lambda _: series(world().years)),
    Case(lambda: series(world().years, "costs"), r"choose one of (\w+), (\w+)",
         lambda name: series(world().years, name)),
    Case(lambda: series(renamed("later")), "rename them", lambda _: series(renamed(2025))),
    Case(lambda: series(years(costs=np.nan), "costs"), "all of it is missing: choose another one",
         lambda _: series(years(costs=np.nan), "consumption")),
    Case(lambda: series(world().years, regions=[]), "leave it out for the largest",
         lambda _: series(world().years)),
]  # fmt: skip


def extra_called(name: str) -> str:
    from importlib.metadata import requires

    return " ".join(one for one in requires("carbonflows_fast") or () if name in one)


def backend_after(code: str) -> str:
    """The backend of a new Python in which that is called first."""
    printed = f"import matplotlib; {code}; print(matplotlib.get_backend())"
    return subprocess.check_output([sys.executable, "-c", printed], text=True)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    matplotlib.use("agg")
    yield
    pyplot.close("all")


test_what_an_error_advises_works, test_every_piece_of_advice_has_a_case = advice_tests(
    COVERED, CASES
)
