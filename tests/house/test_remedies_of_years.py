"""What errors of saved tables, of two years and of repairs advise is done, and works."""

from __future__ import annotations

import json
import os
import pickle
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
from support.advice import Case, advice_tests, named, python
from support.files.store_files import arrays_of
from support.worlds.two_years import pair

import carbonflows_fast as cf
from carbonflows_fast.checks._footprint_effects import _solved_effects
from carbonflows_fast.decomposition import _by_path, _lmdi
from carbonflows_fast.decomposition._comparable import aligned
from carbonflows_fast.store import _generations
from carbonflows_fast.store._convert_all import jobs_of

COVERED = [
    *(f"store/{name}" for name in (
        "_convert_all", "_generations", "_manifest", "_saved", "_stored_arrays")),
    *(f"decomposition/{name}" for name in (
        "_by_path", "_chained", "_comparable", "_decomposition", "_effect_errors", "_effect_slopes",
        "_lmdi", "_mean_states", "_path_changes", "_two_tables", "_whole")),
    *(f"checks/{name}" for name in (
        "_check", "_footprint_effects", "_repair", "_repair_steps")),
]  # fmt: skip
"""Modules whose every piece of advice has a case."""

PLACE = tempfile.TemporaryDirectory()
WORLD = cf.synthetic.world(2, 3, year=2010)
OTHER = cf.synthetic.world(2, 4, year=2010)
BEFORE, AFTER = pair()


def fresh(name: str = "world") -> Path:
    return Path(tempfile.mkdtemp(dir=PLACE.name)) / name


# --- saved tables ---------------------------------------------------------------------------


def at_a_file(name: str) -> Path:
    place = fresh()
    place.touch()
    return cf.save(WORLD, place.parent / name)


def pickled(other: Path | None) -> list[cf.Table]:
    """Tables from a pickled one, after another was saved there, or elsewhere."""
    path = cf.save(WORLD, fresh())
    content = pickle.dumps(cf.open(path))
    cf.save(OTHER, other or path)
    return [pickle.loads(content), cf.open(other or path)]


def damaged(change: Callable[[Path], None]) -> Path:
    path = cf.save(WORLD, fresh())
    change(path)
    return path


def lost(path: Path) -> None:
    (arrays_of(path) / "Y.npy").unlink()


def of_version_99(path: Path) -> None:
    pointer = json.loads((path / "carbonflows.json").read_text())
    (path / "carbonflows.json").write_text(json.dumps(pointer | {"version": 99}))


def anew(change: Callable[[Path], None]) -> cf.Table:
    """Save a table again where it was damaged, and open it."""
    return cf.open(cf.save(WORLD, damaged(change)), verify=True)


def saved_again_and_again(times: int) -> Any:
    path, left = cf.save(WORLD, fresh()), iter(range(times))

    def use(found: _generations.Generation) -> cf.Table:
        if next(left, None) is None:
            return cf.open(path)
        cf.save(WORLD.with_changes(name=found.checksum[:9]), path)
        raise found.damaged("its files are gone")

    with mock.patch.object(_generations, "TRIES", 3):
        return _generations.consistent(path, use)


def of_somebody_else() -> cf.Table:
    path = cf.save(WORLD, fresh())
    with (
        mock.patch.object(os.path, "isfile", return_value=False),
        mock.patch.object(os, "stat", side_effect=PermissionError("not yours")),
    ):
        return cf.open(path)


def cut_short() -> Any:
    path = cf.save(cf.synthetic.world(4, 100), fresh())
    opened = cf.open(path)
    file = arrays_of(path) / "values.npy"
    file.chmod(0o600)
    os.truncate(file, 4096)
    return cf.flows(opened)


def two_of_a_year(only: str = "") -> Any:
    source = fresh("downloads")
    source.mkdir()
    for name in ("pxp", "ixi"):
        cf.write_exiobase(WORLD, source / f"IOT_2010_{name}.zip")
    return jobs_of(source, fresh("stores"), format=None, stressors=None,
                   wanted=lambda found: [one for one in found if only in one.name])  # fmt: skip


# --- two years ------------------------------------------------------------------------------


def change(before: cf.Table = BEFORE, after: cf.Table = AFTER, **options: Any) -> Any:
    return cf.structural_decomposition(before, after, "CO2", **options)


def by_path(after: cf.Table = AFTER, **options: Any) -> Any:
    return cf.structural_path_decomposition(BEFORE, after, "CO2", **options)


def by_few_paths(**options: Any) -> Any:
    with mock.patch.object(_by_path, "MOST_PATHS", 20):
        return by_path(**options)


def for_few_rows(after: cf.Table = AFTER, before: cf.Table = BEFORE, **options: Any) -> Any:
    with mock.patch.object(_lmdi, "MOST_ROWS", 5):
        return change(before, after, **options)


def toy(A: Any = ((0.2, 0.1), (0.1, 0.2)), **changes: Any) -> cf.Table:
    given = {"A": np.array(A), "Y": np.ones((2, 1)), "S": np.ones((1, 2)), "x": np.ones(2),
             "regions": "DE", "sectors": ["coal", "steel"], "stressors": "CO2",
             "stressor_units": "kt"}  # fmt: skip
    return cf.Table(**(given | changes))


def used(*categories: str, region: str = "DE") -> cf.Table:
    return toy(Y=np.ones((2, len(categories))), demand=[(region, one) for one in categories])


def exporting(to: str) -> cf.Table:
    return toy(Y=np.ones((2, 2)), demand=[("DE", "homes"), (to, "homes")])


def since(before: cf.Table, after: cf.Table) -> cf.Table:
    """Align two tables where no demand can be asked for."""
    return aligned(before, after, "since", ("now", "then"))


def with_heads(heads: float) -> cf.Table:
    return toy(population={"DE": heads})


RATES = np.full(7, 0.02)
PRICES = pd.Series(1.1, index=BEFORE.rows)
REGIONS = pd.Series([1.1, 1.2, 1.3], index=["DE", "FR", "US"])


def deflated(deflators: Any) -> Any:
    return change(deflators=deflators)


# --- repairs --------------------------------------------------------------------------------


def made(**changes: Any) -> cf.Table:
    given = {"Z": [[1.0, 2, 3], [0, 1, 1], [0, 0, 0]], "Y": [[14.0], [8], [0]], "F": [[4.0, 1, 6]],
             "x": [20.0, 10, 0], "regions": "DE", "sectors": ["food", "steel", "none"],
             "demand": [("DE", "all")], "stressors": ["CO2"], "stressor_units": ["kt"],
             "row_units": "M.EUR"}  # fmt: skip
    return cf.Table(**(given | changes))


def full(limit: float = 0.5, **changes: Any) -> Any:
    Z = [[0.0, 8, 0], [2, 4, 3], [0, 0, 0]]
    given = {"Z": Z, "Y": [[12.0], [1], [6]], "x": [20.0, 10, 6]}
    return cf.repair(made(**(given | changes)), column_sums=limit)


def in_equivalents() -> cf.Table:
    return made(F=np.ones((2, 3)), stressors=["water", "GHG"],
                stressor_units=["m3", "kt CO2-eq"])  # fmt: skip


def implausible(to: str = "s0", **changes: Any) -> Any:
    """Repair a sector of next to no output, whose region has to emit what it did."""
    return cf.repair(nearly_idle().with_changes(**changes), implausible_intensities=to)


def nearly_idle() -> cf.Table:
    Y = np.full((24, 6), 5.0)
    Y[0], Y[0, 0] = 0.0, 1e-7
    F = np.full((1, 24), 60.0)
    F[0, 0] = 0.009
    Z = np.full((24, 24), 1.0)
    Z[0], Z[:, 0] = 0.0, 0.0
    return cf.Table(Z=Z, Y=Y, F=F, regions=np.repeat([f"R{at}" for at in range(6)], 4),
                    sectors=[f"s{at}" for at in range(4)] * 6, stressors="CO2",
                    stressor_units="kt", row_units="EUR")  # fmt: skip


STORES = [
    Case(lambda: at_a_file("world"), "choose another path", lambda _: at_a_file("other")),
    Case(lambda: at_a_file("world/2010"), "choose another place, or make room",
         lambda _: at_a_file("other/2010")),
    Case(lambda: pickled(None),
         r"keep each table under a path of its own, or open this one with cf\.open",
         lambda _: pickled(fresh())),
    Case(lambda: cf.open(damaged(lost)), "save the table again from its source",
         lambda _: anew(lost)),
    Case(lambda: cf.open(damaged(of_version_99)), "save the table again with this version of",
         lambda _: anew(of_version_99)),
    Case(lambda: saved_again_and_again(9), "wait until that has ended",
         lambda _: saved_again_and_again(1)),
    Case(lambda: cf.open(fresh()),
         r"make one with (cf\.save\(table, path\)), or read a text table with cf\.read\(path\)",
         lambda code: cf.open(python(code, table=WORLD, path=fresh()))),
    Case(of_somebody_else, "have its owner give you the right, or copy it",
         lambda _: cf.open(cf.save(WORLD, fresh()))),
    Case(cut_short, "save the table again from its source, and open that",
         lambda _: cf.flows(cf.open(cf.save(cf.synthetic.world(4, 100), fresh())))),
    Case(two_of_a_year, "choose with --only: a part of the one's name, or all of it",
         lambda _: [two_of_a_year("pxp"), two_of_a_year("IOT_2010_ixi.zip")]),
]  # fmt: skip

YEARS = [
    # paths
    Case(lambda: by_path(threshold=1e-300), "ask for the top paths instead",
         lambda _: by_path(top=5)),
    Case(lambda: by_path(BEFORE, min_share=0.1), "ask by top or threshold",
         lambda _: [by_path(BEFORE, top=5), by_path(BEFORE, threshold=1e-3)]),
    Case(lambda: by_few_paths(threshold=1e-6), "ask for less",
         lambda _: [by_few_paths(threshold=3.0), by_few_paths(top=5)]),
    # several years
    Case(lambda: cf.decompose_years(BEFORE), "give them in order of time",
         lambda _: cf.decompose_years([BEFORE, AFTER])),
    Case(lambda: cf.decompose_years([BEFORE, AFTER, BEFORE, AFTER]),
         r"tell them apart by table\.with_changes\(year=\.\.\.\)",
         lambda _: cf.decompose_years([
             one.with_changes(year=2000 + at)
             for at, one in enumerate([BEFORE, AFTER, BEFORE, AFTER])])),
    Case(lambda: cf.decompose_years([BEFORE, AFTER], by="coefficient"),
         "ask structural_decomposition for each pair of years",
         lambda _: change(by="coefficient")),
    # tables that differ
    Case(lambda: change(toy(), toy(sectors=["coal", "cars"])),
         "aggregate both to labels that they share",
         lambda _: change(toy().aggregate(sectors={"steel": "goods"}),
                          toy(sectors=["coal", "cars"]).aggregate(sectors={"cars": "goods"}))),
    Case(lambda: since(used("homes", "state"), used("homes")),
         r"merge categories, in .* e\.g\. by (\.aggregate\(.*\))$",
         lambda code: since(python(f"t{code}", t=used("homes", "state")), used("homes"))),
    Case(lambda: since(exporting("RoW"), exporting("World")),
         "aggregate both to regions that they share$",
         lambda _: since(exporting("RoW"),
                         exporting("World").aggregate(regions={"World": "RoW"}))),
    Case(lambda: change(used("homes", "state"), used("homes")),
         r"merge categories, in .* e\.g\. by (\.aggregate\(.*\)), or ask by demand= for what both",
         lambda code: [
             change(python(f"t{code}", t=used("homes", "state")), used("homes")),
             change(used("homes", "state"), used("homes"), demand=("DE", "homes"))]),
    Case(lambda: change(exporting("RoW"), exporting("World")),
         "aggregate both to regions that they share, or ask by demand= for what both have",
         lambda _: [change(exporting("RoW"),
                           exporting("World").aggregate(regions={"World": "RoW"})),
                    change(exporting("RoW"), exporting("World"), demand="DE")]),
    Case(lambda: change(toy(row_units="EUR"), toy(row_units="USD")),
         "a label must mean the same in both tables",
         lambda _: change(toy(row_units="EUR"), toy(row_units="EUR"))),
    Case(lambda: change(twice("coal", "coal", "steel"), twice("coal", "steel", "coal")),
         "aggregate both tables: rows of one label become one",
         lambda _: change(twice("coal", "coal", "steel").aggregate(),
                          twice("coal", "steel", "coal").aggregate())),
    Case(lambda: change(with_heads(8e7), with_heads(8e4)),
         "give both in heads, or both in thousands",
         lambda _: [change(with_heads(8e7), with_heads(8e7)),
                    change(with_heads(8e4), with_heads(8e4))]),
    Case(lambda: change(used("homes", "state"), used("homes"), demand=("DE", "state")),
         "its categories are (.*)",
         lambda names: change(used("homes", "state"), used("homes"),
                              demand=("DE", named(names)[0]))),
    # prices
    Case(lambda: deflated(np.ones(3)), "give price indices of all rows, 1 where none is known",
         lambda _: deflated(np.ones(7))),
    Case(lambda: deflated(dict(REGIONS)), r"by region give (pd\.Series.*)",
         lambda code: deflated(python(code, pd=pd, deflators=dict(REGIONS), before=BEFORE))),
    Case(lambda: deflated(pd.DataFrame({"p": PRICES})), r"give one column, e\.g\. (.*)",
         lambda code: deflated(python(code, deflators=pd.DataFrame({"p": PRICES})))),
    Case(lambda: deflated(1.1), r"for one price of all rows give (.*)",
         lambda code: deflated(python(code, before=BEFORE, price=1.1))),
    Case(lambda: deflated(PRICES[::-1]), r"use (deflators\.reindex\(before\.rows\)), or",
         lambda code: deflated(python(code, deflators=PRICES[::-1], before=BEFORE))),
    Case(lambda: deflated(REGIONS), r"or by region (.*)",
         lambda code: deflated(python(code, deflators=REGIONS, before=BEFORE))),
    Case(lambda: deflated(np.full(7, 104.0)), "divide index numbers with base 100 by 100",
         lambda _: deflated(np.full(7, 104.0) / 100)),
    Case(lambda: deflated(RATES), r"if these are growth rates give 1 \+ rate",
         lambda _: deflated(1 + RATES)),
    Case(lambda: deflated(100 * RATES + 1), r"growth rates give 1 \+ per cent / 100",
         lambda _: deflated(1 + (100 * RATES + 1) / 100)),
    # methods
    Case(lambda: for_few_rows(method="lmdi"), "use ('integral'), or aggregate the tables",
         lambda name: [
             for_few_rows(method=python(name)),
             for_few_rows(*(one.aggregate(sectors=["all"] * 7) for one in (AFTER, BEFORE)),
                          method="lmdi")]),
    Case(lambda: change(toy(), toy(Y=-np.ones((2, 1))), method="lmdi"), "use ('integral')$",
         lambda name: change(toy(), toy(Y=-np.ones((2, 1))), method=python(name))),
    Case(lambda: change(toy([[0, 9], [0, 0]]), toy([[0, 0], [9, 0]])),
         "use (method='polar') or 'shapley'",
         lambda _: [change(toy([[0, 9], [0, 0]]), toy([[0, 0], [9, 0]]), method=name)
                    for name in ("polar", "shapley")]),
    Case(lambda: change(method="lmdi", by="region"), r"use method=('integral')",
         lambda name: change(method=python(name), by="region")),
    Case(lambda: change(top=0), "leave it out for 1,000", lambda _: change()),
]  # fmt: skip

REPAIRS = [
    Case(lambda: cf.check(fresh("nowhere")), "check the path",
         lambda _: cf.check(cf.save(WORLD, fresh()))),
    Case(lambda: _solved_effects(in_equivalents(), None),
         r"name one by stressor=, such as (.*) \(in CO2-equivalents\)",
         lambda name: cf.check(in_equivalents(), stressor=python(name))),
    Case(lambda: cf.repair(made()), "choose from (.*)",
         lambda names: [cf.repair(made(), **{name: HOW[name]}) for name in names.split(", ")]),
    Case(lambda: cf.repair(made(), balance=1), "give (True) to repair",
         lambda code: cf.repair(made(), balance=python(code))),
    Case(lambda: cf.repair(made(), column_sums=1.0), r"give e\.g\. (.*)",
         lambda code: cf.repair(made(), column_sums=python(code))),
    Case(lambda: cf.repair(made(), negatives=True), r"give e\.g\. (.*)",
         lambda code: cf.repair(made(), negatives=python(code))),
    Case(lambda: cf.repair(made(), emissions_without_output=3),
         "('spread') gives it to all sectors of the region by their output",
         lambda name: cf.repair(made(), emissions_without_output=python(name))),
    Case(lambda: cf.repair(made(), emissions_without_output="spred"), "nearest are ('spread')",
         lambda name: cf.repair(made(), emissions_without_output=python(name))),
    Case(lambda: cf.repair(made(), emissions_without_output="none"), "name another sector",
         lambda _: cf.repair(made(), emissions_without_output="food")),
    Case(lambda: full(row_units=["t", "EUR", "t"]),
         "sums over different units say nothing; leave it out",
         lambda _: cf.repair(made(row_units=["t", "EUR", "t"]), balance=True)),
    Case(lambda: full(0.3), "raise the limit, or correct the table",
         lambda _: [full(0.9), full(0.3, x=[40.0, 10, 6])]),
    Case(implausible,
         r"name another sector, or correct S by table\.with_changes\(S=\.\.\.\)",
         lambda _: [implausible("s1"), implausible(S=np.ones((1, 24)))]),
]  # fmt: skip
HOW: dict[str, Any] = {
    **dict.fromkeys(("duplicates", "balance", "negative_output"), True),
    **dict.fromkeys(("purchases_without_output", "emissions_without_output",
                     "implausible_intensities"), "spread"),
    "column_sums": 0.9, "negatives": 1e-8,
}  # fmt: skip


def in_other_columns() -> cf.Table:
    """The later table with final demand of one more category in one region."""
    Y = AFTER.Y.to_numpy()
    demand = [*AFTER.demand, ("US", "inventories")]
    regions, sectors = (AFTER.rows.get_level_values(k) for k in (0, 1))
    return cf.Table(A=AFTER.A, S=AFTER.S.to_numpy(), x=AFTER.x, Y=np.c_[Y, np.zeros(len(Y))],
                    demand=demand, regions=regions, sectors=sectors, stressors="CO2",
                    stressor_units="kt", year=2009)  # fmt: skip


def unsure(after: cf.Table = AFTER, **asked: Any) -> cf.Decomposition:
    return cf.structural_decomposition(BEFORE, after, errors=cf.Errors(F=0.1), **asked)


ERRORS = [
    Case(lambda: unsure(correlation=2), "leave it out for errors that are independent",
         lambda _: unsure()),
    Case(lambda: cf.structural_decomposition(BEFORE, AFTER, correlation=0.5),
         r"add e\.g\. (errors=cf\.Errors\(F=0\.1\)), or leave it out",
         lambda code: [python(f"ask({code}, correlation=0.5)",
                              ask=partial(cf.structural_decomposition, BEFORE, AFTER)),
                       cf.structural_decomposition(BEFORE, AFTER)]),
    Case(lambda: unsure(in_other_columns(), demand="DE", correlation=0.5),
         "leave it out for errors that are independent",
         lambda _: unsure(in_other_columns(), demand="DE")),
    Case(lambda: unsure(method="lmdi"), r"use (method='integral')",
         lambda code: python(f"unsure({code})", unsure=unsure)),
    Case(lambda: unsure(by="region"), "leave by out", lambda _: unsure()),
    Case(lambda: cf.structural_decomposition(BEFORE, AFTER).covariance(),
         r"ask cf\.structural_decomposition\(…, errors=cf\.Errors\(…\)\)",
         lambda _: unsure().covariance()),
]  # fmt: skip
CASES = [*STORES, *YEARS, *REPAIRS, *ERRORS]


def twice(*sectors: str) -> cf.Table:
    """A table with two rows of one label."""
    return toy(np.eye(3) / 5, Y=np.ones((3, 1)), S=np.ones((1, 3)), x=np.ones(3),
               sectors=list(sectors))  # fmt: skip


test_what_an_error_advises_works, test_every_piece_of_advice_has_a_case = advice_tests(
    COVERED, CASES
)
