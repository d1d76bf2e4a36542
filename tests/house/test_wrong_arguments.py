"""Arguments of the wrong kind: one clear sentence from every public function and method."""

from __future__ import annotations

import datetime
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.worlds.small_table import SENTENCE, small

import carbonflows_fast as cf

# What a question needs beside its first argument.
NEEDS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "sector_study": lambda folder: {"sectors": "coal"},
    "carbon_price": lambda folder: {"price": 80, "regions": "AT", "per": "unit"},
    "save": lambda folder: {"path": folder / "saved"},
    "to_datapackage": lambda folder: {"path": folder / "package"},
    "write_exiobase": lambda folder: {"path": folder / "written"},
    "report": lambda folder: {"out": folder / "page.html"},
    "structural_decomposition": lambda folder: {"after": table()},
    "structural_path_decomposition": lambda folder: {"after": table()},
    "repair": lambda folder: {"duplicates": True},
    "uncertainty": lambda folder: {"errors": cf.Errors(F=0.1)},
    "purchases": lambda folder: {"ledger": LEDGER},
    "extraction": lambda folder: {"rows": "coal"},
    "scenario": lambda folder: {"changes": CHANGES},
    "with_capital": lambda folder: {"capital": np.zeros((4, 4)), "category": "households"},
}
LEDGER = pd.DataFrame({"product": ["coal", "steel"], "amount": [1.0, 2.0]})
CHANGES = pd.DataFrame({"part": ["S"], "factor": [0.5]})
# These make a table, a system or a world, or take results; what they take is tested with those.
MAKERS = {
    "difference", "read", "open", "from_pymrio", "from_supply_use", "national", "calc_all",
    "build_info", "margins", "to_xarray", "from_mario",
}  # fmt: skip
FIRST = {"table", "table_or_path", "before", "tables"}


def table() -> cf.Table:
    rows = np.array([[8.0, 5, 1, 0], [3, 9, 0, 2], [2, 1, 7, 4], [0, 1, 2, 6]])
    return cf.Table(**small(Z=rows, Y=np.array([[30.0, 1, 4, 1], [25, 1, 2, 1], [3, 1, 28, 1],
                                                [1, 1, 33, 1]])))  # fmt: skip


class System:
    """What a system of pymrio is known by."""

    def get_extensions(self) -> list[str]:
        return []


def questions() -> Iterator[str]:
    for name in sorted(cf.__all__):
        thing = getattr(cf, name)
        if inspect.isfunction(thing) and name not in MAKERS:
            first = next(iter(inspect.signature(thing).parameters))
            assert first in FIRST, f"{name} takes {first}: is it a table?"
            yield name


QUESTIONS = list(questions())


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> cf.Panel:
    folder = tmp_path_factory.mktemp("store")
    for year in (2009, 2010):
        cf.save(cf.Table(**small(year=year)), folder / str(year))
    return cf.Panel(folder)


def not_tables(panel: cf.Panel) -> dict[str, tuple[Any, str]]:
    """Wrong things by name, each with what its remedy says."""
    one = table()
    return {
        "a path": (str(panel.folder / "none"), r"cf\.open\('|check the path"),
        "a Path": (panel.folder / "none", r"cf\.open\('|check the path"),
        "nothing": (None, r"cf\.read\(path\)"),
        "a frame": (one.Y, r"cf\.Table\(Z="),
        "an array": (np.eye(4), r"cf\.Table\(Z="),
        "a sparse matrix": (one.A, r"cf\.Table\(Z="),
        "a pymrio system": (System(), r"cf\.from_pymrio\(io\)"),
        "a panel": (panel, r"panel\[year\]"),
        "tables": ([one, one], "give one table"),
        "tables by year": ({2009: one}, "give one table"),
        "the class": (cf.Table, r"cf\.read\(path\)"),
        "a number": (2009, r"cf\.read\(path\)"),
    }


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_is_no_table_gets_a_way_to_one(name: str, panel: cf.Panel, tmp_path: Path) -> None:
    for what, (given, remedy) in not_tables(panel).items():
        if (name, what) in {("report", "a panel"), ("decompose_years", "tables")}:
            continue
        with pytest.raises(cf.InputError) as caught:
            getattr(cf, name)(given, **NEEDS.get(name, lambda _: {})(tmp_path))
        said = str(caught.value)
        assert SENTENCE.match(said), (what, said)
        assert "\n" not in said
        assert len(said) < 400
        if name != "decompose_years":
            assert pd.Series([said]).str.contains(remedy).item(), (what, said)
    assert not any(tmp_path.iterdir())


def test_each_way_to_a_table_leads_there(panel: cf.Panel, tmp_path: Path) -> None:
    path = panel.folder / "2009"
    with pytest.raises(cf.InputError) as caught:
        cf.accounts(path)  # type: ignore[arg-type]
    remedy = str(caught.value).split("; ", 1)[1]
    code = remedy.split("with ")[1].split(",")[0]
    assert eval(code, {"cf": cf}).equals(panel[2009])
    pymrio = pytest.importorskip("pymrio")
    io = pymrio.load_test()
    with pytest.raises(cf.InputError, match="got an IOSystem") as caught:
        cf.flows(io, "CO2")
    assert isinstance(eval(str(caught.value).split("with ")[1], {"cf": cf, "io": io}), cf.Table)
    with pytest.raises(cf.InputError, match="got a Panel") as caught:
        cf.flows(panel)  # type: ignore[arg-type]
    code = str(caught.value).split("one year, ")[1].split(",")[0]
    assert eval(code, {"panel": panel, "year": 2009}).equals(panel[2009])


# --- every other argument -------------------------------------------------------------------

WRONG: list[Any] = [
    3, -1, 0, 2.5, float("nan"), float("inf"), True, "all", "", " ", "\n", b"CO2", None, {}, [], (),
    set(), {"a": 1}, {"CO2": "x"}, {3: 4}, [3], [None], [[]], [[1], [2, 3]], ("DE",),
    ("DE", "coal", 3), ("DE", 3), (None, None), [("DE", {})], {"DE"}, frozenset({3}), object(),
    int, len, np.array([1.0, 2.0]), np.array("x"), np.array([]), np.array([[True]]),
    np.array(["DE"]), np.ones(4, dtype=bool), np.full(4, np.nan), np.float64(3), np.int64(-3),
    pd.Series([1, 2]), pd.Series(["DE"] * 4), pd.DataFrame({"a": [1]}), pd.NA, pd.NaT,
    pd.Index(["DE"]), datetime.date(2009, 1, 1), 10**30, -(10**30), 1e308, "DE" * 500,
    slice(1, 2), range(3), iter([1]), Ellipsis, NotImplemented, complex(1, 2), "\ud800", "\0",
]  # fmt: skip


def only_our_errors(call: Callable[[], Any], what: Any) -> None:
    try:
        call()
    except cf.CarbonFlowsError as error:
        said = str(error)
        assert ": " in said, (what, said)
        assert len(said) < 2_000, (what, said[:200])
    except Exception as error:
        raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error


def others(function: Any, skip: set[str] = frozenset()) -> list[str]:  # type: ignore[assignment]
    parameters = list(inspect.signature(function).parameters.values())
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [p.name for p in parameters if p.kind not in kinds and p.name not in skip]


@pytest.mark.parametrize("name", QUESTIONS)
def test_arguments_of_functions(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where a wrong path may be written
    if name == "report":
        monkeypatch.setattr("carbonflows_fast.reporting._report._page", lambda *_: "")
    function, one = getattr(cf, name), table()
    first = [table(), table()] if name == "decompose_years" else one
    needs = NEEDS.get(name, lambda _: {})(tmp_path)
    takes = others(function)
    if any(p.kind is p.VAR_KEYWORD for p in inspect.signature(function).parameters.values()):
        takes += ["unheard_of", "demand", "by", "method"]
    if "stressor" in takes:
        needs = {"stressor": "CO2"} | needs
    for argument in takes[1:]:
        for value in WRONG:
            given = needs | {argument: value}
            only_our_errors(lambda: function(first, **given), (name, argument, value))  # noqa: B023


# What methods cannot do without.
REQUIRED: dict[str, Any] = {
    "region": "DE", "sector": "coal", "regions": "DE", "Y": np.ones(4), "S": np.ones(4),
    "path": "a.csv", "shares": {"a": 0.5, "b": 0.5},
}  # fmt: skip


def results() -> dict[str, Any]:
    one = table()
    after = one.with_changes(S=one.S * 0.5)
    return {
        "Table": one,
        "Flows": cf.flows(one, "CO2"),
        "SectorStudy": cf.sector_study(one, "CO2", sectors="coal"),
        "Paths": cf.structural_paths(one, "CO2", top=5),
        "PathChanges": cf.structural_path_decomposition(one, after, "CO2", top=5),
        "Decomposition": cf.structural_decomposition(one, after, "CO2"),
        "LeontiefSystem": cf.system(one),
        "CheckReport": cf.check(one),
        "Footprints": cf.footprints(one),
        "Uncertainty": cf.uncertainty(one, "CO2", cf.Errors(F=0.1)),
        "Purchases": cf.purchases(one, LEDGER, "CO2"),
        "Difference": cf.difference(*(cf.uncertainty(one, "CO2", cf.Errors(F=0.1)),) * 2),
    }


@pytest.mark.parametrize("name", list(results()))
def test_arguments_of_methods(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = results()[name]
    for method in sorted(vars(type(result)).keys() | {m for b in type(result).__mro__[:-1]
                                                       for m in vars(b)}):  # fmt: skip
        if method in ("certificate", "factor_inverses"):  # for rooms that know what they ask
            continue
        if method.startswith("_") or not inspect.isfunction(getattr(type(result), method)):
            continue
        bound = getattr(result, method)
        needs = {p: REQUIRED[p] for p in others(bound) if p in REQUIRED}
        for argument in others(bound):
            for value in WRONG:
                given, what = needs | {argument: value}, (name, method, argument, value)
                only_our_errors(lambda: bound(**given), what)  # noqa: B023
        kinds = {p.kind for p in inspect.signature(bound).parameters.values()}
        if inspect.Parameter.VAR_POSITIONAL in kinds:
            for value in WRONG:
                only_our_errors(lambda: bound(value), (name, method, value))  # noqa: B023


def test_arguments_of_panels(panel: cf.Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cf.Panel, "_compute", lambda *_: {})  # what is asked is checked before
    for value in WRONG:
        only_our_errors(lambda: cf.Panel(value), ("Panel", value))  # noqa: B023
        only_our_errors(lambda: cf.Panel(panel.folder, workers=value), ("workers", value))  # noqa: B023
        only_our_errors(lambda: panel[value], ("[]", value))  # noqa: B023
        for method in ("accounts", "structural_paths", "structural_decomposition"):
            for argument in ("stressor", "demand", "consumers", "years", "pairs", "out", "resume",
                             "threads", "top", "unheard_of"):  # fmt: skip
                if argument == "out" and isinstance(value, str):
                    continue
                only_our_errors(
                    lambda: getattr(panel, method)(**{argument: value}),  # noqa: B023
                    (method, argument, value),
                )


@pytest.mark.parametrize("name", cf.figures.__all__)
def test_arguments_of_figures(name: str) -> None:
    pytest.importorskip("matplotlib")
    function = getattr(cf.figures, name)
    for argument in others(function)[:1]:
        for value in [*WRONG, table(), None]:
            with pytest.raises(cf.InputError) as caught:
                function(value)
            assert SENTENCE.match(str(caught.value)), (argument, value)


@pytest.mark.parametrize("kind", [cf.Errors, cf.SharedError])
def test_arguments_of_errors(kind: type) -> None:
    needs = {"name": "one", "sd": 0.1, "F": 1.0} if kind is cf.SharedError else {}
    for argument in others(kind):
        for value in [*WRONG, {}, {3: 0.1}, {"DE": "a"}, {"nowhere": 0.1}]:
            given, what = needs | {argument: value}, (kind, argument, value)

            def ask(given: Any = given) -> None:
                made = kind(**given)
                made = cf.Errors(shared=made) if kind is cf.SharedError else made
                cf.uncertainty(table(), "CO2", made)

            only_our_errors(ask, what)


# --- labels and units of a table ----------------------------------------------------------------

LABELS = ("regions", "sectors", "demand", "stressors", "extensions", "stressor_units", "row_units")
NO_LIST = (3, 3.5, True, int, np.array(3), b"ab", {"DE"}, object())


@pytest.mark.parametrize("argument", [*LABELS, "population"])
def test_labels_of_a_table_that_are_no_list(argument: str) -> None:
    for given in NO_LIST:
        with pytest.raises(cf.InputError, match=SENTENCE) as complaint:
            cf.Table(**small(**{argument: given}))
        assert str(complaint.value).startswith(f"{argument}: expected ")


def test_one_text_is_one_sector() -> None:
    one = {"Z": [[1.0]], "Y": [[2.0]], "F": [1.0], "regions": "DE", "stressors": "CO2"}
    assert cf.Table(**one, sectors="all").sectors == ("all",)
    with pytest.raises(cf.LabelError, match=r"sectors: expected 2 labels.*, got 1;"):
        cf.Table(**one | {"Z": np.eye(2), "Y": np.ones((2, 1)), "F": [1.0, 1.0]}, sectors="ab")


@pytest.mark.parametrize("argument", ["unit", "stressors", "stressor_units", "row_units"])
def test_labels_of_a_changed_table_that_are_no_texts(argument: str) -> None:
    whole = cf.Table(**small())
    for given in (*NO_LIST, {"CO2": 3}, {"CO2": None}, [3, "t"], [3] * 4, [float("nan")] * 4):
        with pytest.raises(cf.InputError, match=SENTENCE) as complaint:
            whole.with_changes(**{argument: given})
        assert str(complaint.value).startswith(f"{argument}: expected ")


@pytest.mark.parametrize("argument", ["extensions", "stressor_units", "row_units"])
def test_a_number_is_no_unit(argument: str) -> None:
    size = 4 if argument == "row_units" else 2
    with pytest.raises(cf.LabelError, match=f"{argument}: .* got 3 at position 1 .* e.g. '3'"):
        cf.Table(**small(**{argument: ["a", 3, "b", "c"][:size]}))
