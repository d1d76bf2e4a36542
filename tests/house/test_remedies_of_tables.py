"""What errors of tables and their solutions advise is done, and works."""

from __future__ import annotations

import tempfile
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pymrio
import scipy.sparse as sp
from support.advice import Case, advice_tests, named, python
from support.files.layouts import LAYOUTS
from support.worlds.small_table import ROWS, SWAPPED, small

import carbonflows_fast as cf
from carbonflows_fast.leontief import _proof_vectors

COVERED = [
    *(f"table/{name}" for name in (
        "_aggregation", "_content", "_gate", "_labels_given", "_numbers_given", "_replacements",
        "_small", "_split", "_table", "_table_argument", "_units")),
    *(f"leontief/{name}" for name in (
        "_dense_lu", "_methods", "_proof_vectors", "_right_hand_sides", "_sweeps", "_system")),
]  # fmt: skip
"""Modules whose every piece of advice has a case."""

Z, Y, F = (small()[name] for name in "ZYF")
X = Z.sum(axis=1) + Y.sum(axis=1)
PLACE = tempfile.TemporaryDirectory()
TWO = [("DE", "households"), ("DE", "government")]


def make(**changes: Any) -> cf.Table:
    return cf.Table(**small(**changes))


HALVES = {"a": 0.5, "b": 0.5}
OTHERS = {"p": 0.5, "q": 0.5}
ALL_A = {"a": 1.0, "b": 0.0}


def halved(sector: str = "coal", **shares: Any) -> cf.Table:
    return make().split(sector, HALVES, **shares)


def framed(values: Any, index: Any = ROWS, columns: Any = None) -> pd.DataFrame:
    return pd.DataFrame(values, index=index, columns=columns)


def unlabelled(**changes: Any) -> cf.Table:
    """The table, of which an argument brings the labels of the rows."""
    return make(regions=None, sectors=None, **changes)


def with_stressors(stressors: list[str], values: Any = F) -> cf.Table:
    return make(stressors=stressors, F=values, stressor_units=None)


def arguments(code: str, **known: Any) -> dict[str, Any]:
    return dict(python(f"dict({code})", **known))


def north_and_south(region: str) -> cf.Table:
    """A table whose consumers are all in one region."""
    return make(regions=["north", "north", "south", "south"], population=None,
                demand=[(region, name) for name in "abcd"])  # fmt: skip


def broken() -> sp.csr_array:
    found = sp.csr_array(Z)
    found.indices[0] = 9
    return found


def read_labels(**options: Any) -> list[Any]:
    return list(pd.read_csv(StringIO("region\nDE\nDE\nNA\nNA\n"), **options)["region"])


def economy(A: Any, **changes: Any) -> cf.Table:
    """A table of one region with these coefficients."""
    n = len(A)
    given = {"A": A, "Y": np.ones(n), "S": np.ones((1, n)), "x": np.ones(n), "regions": "DE",
             "sectors": [f"s{at}" for at in range(n)], "stressors": "CO2"}  # fmt: skip
    return cf.Table(**(given | changes))


def solved(Y: Any, table: cf.Table | None = None, **options: Any) -> Any:
    return cf.system(table or economy(np.eye(2) * 0.1)).solve(Y, **options)


BYPRODUCTS = np.array([[0.9, -0.5], [0.5, 0.9]])


def of_many_rows(table: cf.Table) -> Any:
    """Solve as if the table had too many rows for a proof by sizes."""
    with mock.patch.object(_proof_vectors, "MOST_ROWS", 1):
        return solved(np.ones(table.n), table)


def unproved(table: cf.Table) -> Any:
    """Solve as if float64 could not prove a table with by-products."""
    with mock.patch.object(_proof_vectors, "certificate_by_columns", return_value=None):
        return solved(np.ones(table.n), table)


@cache
def saved() -> Path:
    return cf.save(cf.synthetic.world(2, 3, year=2010), Path(PLACE.name, "saved", "2010"))


@cache
def published() -> Path:
    place = Path(PLACE.name, "plain")
    LAYOUTS["plain"](place)
    return place


@cache
def system_of_pymrio() -> Any:
    return pymrio.load_test().calc_all()


TABLES = [
    # arguments
    Case(lambda: make(Z=None), "give Z or A; the other is computed from it",
         lambda _: [make(), make(Z=None, A=Z / 100)]),
    Case(lambda: make(S=F), "give F or S; the other is computed from it",
         lambda _: [make(), make(F=None, S=F)]),
    Case(lambda: make(stressor_units=["kt"]), "give one for each, in order",
         lambda _: make(stressor_units=["kt", "t"])),
    Case(lambda: make(population=[1.0]), "give a mapping region → heads",
         lambda _: make(population={"DE": 80, "NA": 3})),
    Case(lambda: make(population={"DE": -1.0}), "correct it, or use NaN",
         lambda _: [make(population={"DE": 1.0}), make(population={"DE": np.nan})]),
    Case(lambda: make(population={"DE": 80, "Germany": 3}), "leave one out",
         lambda _: [make(population={"DE": 80}), make(population={"Germany": 80})]),
    Case(lambda: make(x=[*X, 1.0]), "leave out totals", lambda _: make(x=X)),
    Case(lambda: make(year="x"), r"give e\.g\. (year=.*)",
         lambda code: make(**arguments(code))),
    Case(lambda: make(name=3), r"give e\.g\. (name=.*)", lambda code: make(**arguments(code))),
    Case(lambda: make(Y=np.zeros((4, 0)), demand=None), "give final demand", lambda _: make()),
    Case(lambda: make(stressor_units={"CO2": "kt"}), r"use the table's names, e\.g\. (.*)",
         lambda names: make(stressor_units=dict.fromkeys(names.split(", "), "kt"))),
    # labels
    Case(lambda: make(demand=["DE", "NA"]), r"give e\.g\. (demand=.*)",
         lambda code: make(Y=Y[:, :2], **arguments(code))),
    Case(lambda: make(regions=["DE", "NA"], sectors=["coal", "steel"]),
         r"give one label per row, e\.g\. (regions=.*), or a DataFrame with \(region, sector\)",
         lambda code: [
             make(**arguments(code, regions=["DE", "NA"], sectors=["coal", "steel"])),
             unlabelled(Z=framed(Z, columns=ROWS))]),
    Case(lambda: with_stressors(["CO2"]), r"give stressors=\[…\], one name per row of F or S",
         lambda _: with_stressors(["CO2", "CH4"])),
    Case(lambda: make(Z=framed(Z, ["a", "b", "c", "d"], ["a", "b", "c", "d"])),
         r"set one with (pd\.MultiIndex\.from_arrays), or pass the bare numbers \(\.to_numpy\(\)\)",
         lambda code: [
             make(Z=framed(Z, labels := python(code, pd=pd)(
                 [["DE", "DE", "NA", "NA"], ["coal", "steel"] * 2]), labels)),
             make(Z=framed(Z, list("abcd")).to_numpy())]),
    Case(lambda: make(Z=turned()), r"swap them with (\.swaplevel\(\))",
         lambda code: make(Z=turned().set_axis(python(f"i{code}", i=turned().index)).set_axis(
             python(f"i{code}", i=turned().columns), axis=1))),
    Case(lambda: make(demand=TWO), r"give one \(region, category\) pair per column of Y",
         lambda _: make(Y=Y[:, :2], demand=TWO)),
    Case(lambda: make(demand=None),
         r"give demand=\[\(region, category\), …\] or a Y with such columns",
         lambda _: [make(demand=small()["demand"]),
                    make(demand=None, Y=framed(Y, columns=pd.MultiIndex.from_tuples(
                        small()["demand"])))]),
    Case(lambda: with_stressors(["CO2", "CO2"]),
         "put the extension's name in front, or add the rows up",
         lambda _: [with_stressors(["air | CO2", "sea | CO2"]),
                    with_stressors(["CO2"], F.sum(axis=0))]),
    Case(lambda: make(regions=read_labels()), r"fill it in; when reading CSV files, (\w+=False)",
         lambda code: [make(regions=pd.Series(read_labels()).fillna("NA")),
                       make(regions=read_labels(**arguments(code)))]),
    Case(lambda: make(stressor_units=[1, "t"]), r"write it in quotes, e\.g\. (.*)",
         lambda text: make(stressor_units=[python(text), "t"])),
    Case(lambda: make(Z=framed(Z, columns=ROWS), Y=framed(Y, SWAPPED)),
         "bring both into one order; nothing is realigned in silence",
         lambda _: make(Z=framed(Z, columns=ROWS), Y=framed(Y, SWAPPED).loc[ROWS])),
    Case(lambda: make(demand=[("na", name) for name in "abcd"]), "write (.*)",
         lambda name: make(demand=[(python(name), one) for one in "abcd"])),
    Case(lambda: north_and_south("nort"), r"nearest (?:is|are) (.*)",
         lambda names: [north_and_south(name) for name in named(names)]),
    # numbers
    Case(lambda: make(Z=framed(Z.astype(str))),
         r"correct the cell, or convert the column with (pd\.to_numeric)",
         lambda code: [make(Z=Z), make(Z=framed(Z.astype(str)).apply(python(code, pd=pd)))]),
    Case(lambda: make(F=F * 1e100), "correct it, or give the numbers in a larger unit",
         lambda _: [make(F=F), make(F=F * 1e94, stressor_units="Mt")]),
    Case(lambda: make(Z=framed(np.where(Z == 3, np.nan, Z))),
         r"find out why they are missing, then fill them, e\.g\. with (fillna\(0\))",
         lambda code: make(Z=python(
             f"Z.{code}", Z=framed(np.where(Z == 3, np.nan, Z))))),
    Case(lambda: make(F=F.T), "check that nothing is missing or transposed",
         lambda _: make(F=F.T.T)),
    Case(lambda: make(Z=np.vstack([Z, Z.sum(axis=0)])),
         "leave out totals, value added and final demand", lambda _: make(Z=Z)),
    Case(lambda: make(Y=[[1.0], [1.0, 2.0]]), "give every row the same number of entries",
         lambda _: make(Y=Y.tolist())),
    Case(lambda: make(Z=broken()), r"rebuild it from \(data, \(row, column\)\) with "
         r"(scipy\.sparse\.coo_array)",
         lambda code: make(Z=python(code, scipy=__import__("scipy"))(
             (Z[Z != 0], np.nonzero(Z)), shape=Z.shape))),
    Case(lambda: make(Z=None, A=Z / 100, x=[1e-300] * 4, F=F * 1e98).S,
         "set such an output to 0, or correct it",
         lambda _: [make(Z=None, A=Z / 100, x=[0.0] * 4, F=F * 1e98).S,
                    make(Z=None, A=Z / 100, x=X, F=F * 1e98).S]),
    Case(lambda: cf.accounts(make(F=F * 1e-300), "CO2"),
         r"give F, or Z and Y, in another unit, or set such values to 0, with table\.with_changes",
         lambda _: [cf.accounts(make(F=F, stressor_units="g"), "CO2"),
                    cf.accounts(make(F=F * 1e-300).with_changes(F=F * 0), "CO2"),
                    cf.accounts(make(F=F * 1e-300).with_changes(F=F), "CO2")]),
    # changes
    Case(lambda: make().with_changes(F=F, S=F), "give F or S; the other is computed from it",
         lambda _: [make().with_changes(F=F), make().with_changes(S=F)]),
    Case(lambda: make().with_changes(unit={"CO22": "t"}), r"nearest (?:is|are) ('CO2')",
         lambda name: make().with_changes(unit={python(name): "t"})),
    Case(lambda: make(F=F * 1e95).with_changes(unit="g"), "take a larger unit",
         lambda _: make(F=F * 1e95).with_changes(unit="Mt")),
    Case(lambda: make().with_changes(unit="kt", stressor_units="kt"),
         "give stressor_units for numbers that are in that unit already, or convert in a second",
         lambda _: [make().with_changes(stressor_units="kt"),
                    make().with_changes(stressor_units="t").with_changes(unit="kt")]),
    Case(lambda: make().with_changes(unit="m3"),
         r"known are (.*); for others give S, F_Y and stressor_units",
         lambda names: [
             *(make().with_changes(unit=one) for one in names.split(", ")[:7]),
             make().with_changes(S=F, F_Y=np.ones((2, 4)), stressor_units="m3")]),
    # groups
    Case(lambda: make().aggregate(sectors={"coke": "x"}), "nearest (?:is|are) (.*) for",
         lambda names: [make().aggregate(sectors={name: "x"}) for name in named(names)]),
    Case(lambda: make().aggregate(sectors="energy"), r"give e\.g\. (\{.*\})",
         lambda code: make().aggregate(sectors=python(code))),
    Case(lambda: make().aggregate(regions=["a", "b", "c", "c"]),
         "split a region by sectors, not by regions: its final demand is one",
         lambda _: make().aggregate(sectors=["a", "b", "c", "c"])),
    Case(lambda: make(row_units=["t", "EUR"] * 2).aggregate(sectors=["all"] * 4),
         "keep rows of different units apart",
         lambda _: make(row_units=["t", "EUR"] * 2).aggregate(regions=["all"] * 4)),
    # parts of a sector
    Case(lambda: halved("coak"), "nearest (?:is|are) (.*)",
         lambda names: [halved(name) for name in named(names)[:1]]),
    Case(lambda: make(sectors=[*"abac"]).split("b", OTHERS, regions="NA"),
         "it is a sector of (.*)",
         lambda names: [make(sectors=[*"abac"]).split("b", OTHERS, regions=name)
                        for name in named(names)]),
    Case(lambda: make().split("coal", {"steel": 0.5, "b": 0.5}),
         r"choose other names; to merge parts into a sector that exists, call aggregate\(",
         lambda _: halved().aggregate(sectors={"b": "steel"})),
    Case(lambda: make().split("coal", [0.5, 0.5]), r"give e\.g\. (\{.*\})",
         lambda code: make().split("coal", python(code))),
    Case(lambda: halved(rows=[0.5, 0.5]), r"give e\.g\. (\{.*\})",
         lambda code: halved(rows=python(code), columns=python(code), emissions=python(code))),
    Case(lambda: halved(rows={"coal": 0.5, "steel": HALVES}), r"give e\.g\. (\{.*\})",
         lambda code: halved(rows={"coal": python(code), "steel": HALVES})),
    Case(lambda: halved(rows={"coal": {"a": 1.0}}),
         "name every part of shares=, with 0 if it has nothing",
         lambda _: halved(rows={"coal": {"a": 1.0, "b": 0.0}})),
    Case(lambda: make().split("coal", {"a": 2.0, "b": -1.0}),
         r"give numbers that add up to 1, e\.g\. (\{.*\})",
         lambda code: make().split("coal", python(code))),
    Case(lambda: make().split("coal", {"a": 30, "b": 60}),
         "divide them by their sum, or give the part that is missing a share",
         lambda _: [make().split("coal", {"a": 30 / 90, "b": 60 / 90}),
                    make().split("coal", {"a": 0.3, "b": 0.6, "c": 0.1})]),
    Case(lambda: halved(rows={"homes": HALVES}), "nearest (?:is|are) (.*)",
         lambda names: [halved(rows={name: HALVES}) for name in named(names)]),
    Case(lambda: make(sectors=[*"abac"]).split("a", OTHERS, rows={("NA", "b"): OTHERS}),
         "it belongs to (.*)",
         lambda names: [make(sectors=[*"abac"]).split(
             "a", OTHERS, rows={(name, "b"): OTHERS}) for name in named(names)]),
    Case(lambda: halved(rows={"a": 1.0, "b": 0.0}),
         "give it sales, or shares of 0 in columns= and emissions= too",
         lambda _: [halved(rows={"a": 0.9, "b": 0.1}),
                    halved(rows=ALL_A, columns=ALL_A, emissions=ALL_A)]),
    # instead of a table
    Case(lambda: cf.accounts(3), r"read one with (cf\.read)\(path\), open a saved one with "
         r"cf\.open\(path\)", lambda code: [python(code)(published()), cf.open(saved())]),
    Case(lambda: cf.accounts(str(saved())), r"open a saved table with (.*), or read files with",
         lambda code: cf.accounts(python(code))),
    Case(lambda: cf.accounts(str(published())), r"or read files with (.*)",
         lambda code: cf.accounts(python(code), 'CO2 | air')),
    Case(lambda: cf.accounts(system_of_pymrio()),
         r"convert pymrio's system with (cf\.from_pymrio\(io\))",
         lambda code: python(code, io=system_of_pymrio())),
    Case(lambda: cf.accounts(cf.Panel(saved().parent)),
         r"take the table of one year, (panel\[year\]), or ask the panel, e\.g\. panel\.accounts",
         lambda code: [cf.accounts(python(code, panel=cf.Panel(saved().parent), year=2010)),
                       cf.Panel(saved().parent).accounts()]),
    Case(lambda: cf.accounts(Z), r"make a table of arrays with cf\.Table\(Z=…, Y=…, F=…, ",
         lambda _: cf.accounts(make(), "CO2")),
    Case(lambda: cf.accounts([cf.open(saved())]),
         r"give one table, or save each with cf\.save and ask cf\.Panel of their folder",
         lambda _: [cf.accounts(cf.open(saved())), cf.Panel(saved().parent).accounts()]),
]  # fmt: skip

SOLUTIONS = [
    Case(lambda: solved(np.ones(2), rtol=2), "(1e-10) suits published tables",
         lambda rtol: solved(np.ones(2), rtol=python(rtol))),
    Case(lambda: solved(np.ones(2), method="lu"),
         "leave it out to let the size of the problem decide", lambda _: solved(np.ones(2))),
    Case(lambda: solved(np.ones(2), memory_limit=-1), "leave it out for 8 GB",
         lambda _: solved(np.ones(2))),
    Case(lambda: solved([1, np.nan]), "replace NaN and infinity", lambda _: solved([1, 0])),
    Case(lambda: solved([1e290, 1]), "give it in another unit", lambda _: solved([1e270, 1e-20])),
    Case(lambda: solved(["a", "b"]), "give an array of real numbers",
         lambda _: solved(np.array([1.0, 2]))),
    Case(lambda: solved(np.ones(3)), "give one number for each row of the table, in its order",
         lambda _: solved(np.ones(2))),
    Case(lambda: solved(np.ones(2), x0=np.ones(3)), "leave it out to start from zero",
         lambda _: solved(np.ones(2))),
    Case(lambda: solved(np.ones(2), weight=[0, 0]), "leave it out to weigh all rows alike",
         lambda _: solved(np.ones(2))),
    Case(lambda: solved(np.ones(2), weight=[1, 1e-200]),
         "raise the small ones, or set them to 0 if these rows do not matter",
         lambda _: [solved(np.ones(2), weight=[1, 0.1]), solved(np.ones(2), weight=[1, 0])]),
    Case(lambda: solved(np.ones(2), method="direct", memory_limit=1), r"use (method='gmres')",
         lambda code: solved(np.ones(2), **arguments(code))),
    Case(lambda: solved(np.ones(20), cf.synthetic.world(2, 10), rtol=1e-17),
         r"give an rtol above both to a function that takes one, or see with (cf\.check\(table\))",
         lambda code: [solved(np.ones(20), cf.synthetic.world(2, 10), rtol=1e-10),
                       cf.flows(cf.synthetic.world(2, 10), rtol=1e-10),
                       python(code, table=cf.synthetic.world(2, 10))]),
    Case(lambda: solved(np.ones(2), economy([[0.2, 0.9], [0.9, 0.2]])),
         r"look at (cf\.check\(table\)) for negative outputs and columns of A that sum to 1 or "
         "more, and correct them",
         lambda code: [python(code, table=economy([[0.2, 0.9], [0.9, 0.2]])),
                       solved(np.ones(2), economy([[0.2, 0.7], [0.7, 0.2]]))]),
    Case(lambda: of_many_rows(economy(BYPRODUCTS)),
         r"aggregate to fewer rows with table\.aggregate\(\.\.\.\), or set these inputs to zero",
         lambda _: [
             of_many_rows(economy(BYPRODUCTS).aggregate(sectors=["a", "a"])),
             of_many_rows(economy(BYPRODUCTS).with_changes(A=np.maximum(BYPRODUCTS, 0)))]),
    Case(lambda: unproved(economy(BYPRODUCTS)),
         "correct these inputs, or set them to zero with",
         lambda _: [unproved(economy(BYPRODUCTS / 2)), unproved(economy(
             BYPRODUCTS).with_changes(A=np.maximum(BYPRODUCTS, 0)))]),
    Case(lambda: solved(np.ones(2), economy(np.eye(2))),
         r"correct the inputs of that sector, or set them to zero with table\.with_changes\(A=",
         lambda _: [solved(np.ones(2), economy(np.eye(2) / 2)),
                    solved(np.ones(2), economy(np.eye(2)).with_changes(A=np.zeros((2, 2))))]),
    Case(lambda: cf.system(economy([[0, 1e39], [0, 0]])).in_float32(), "use 'float64'",
         lambda _: solved(np.ones(2), economy([[0, 1e39], [0, 0]]))),
]  # fmt: skip
CASES = [*TABLES, *SOLUTIONS]


def turned() -> pd.DataFrame:
    """Transactions whose labels have the sector first."""
    labels = ROWS.set_names(["region", "sector"]).swaplevel()
    return framed(Z, labels, labels)


test_what_an_error_advises_works, test_every_piece_of_advice_has_a_case = advice_tests(
    COVERED, CASES
)
