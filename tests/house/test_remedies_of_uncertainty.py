"""What errors about errors of data advise is done, and works."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from support.advice import Case, advice_tests, named, python
from support.worlds.small_table import small

import carbonflows_fast as cf

COVERED = [f"uncertainties/{name}" for name in (
    "_across", "_answers", "_correlation", "_difference", "_measured", "_normal",
    "_of_footprints", "_origins", "_result", "_some_draws", "_spread", "_traded_share",
    "_uncertainty", "_which_cell", "_drawing/_draw_all", "_drawing/_draw_solves",
    "_drawing/_drawing", "_drawing/_draws", "_drawing/_perturbed",
    "_error_model/_cells", "_error_model/_errors", "_error_model/_file", "_error_model/_fit",
    "_error_model/_forms", "_error_model/_labels")]  # fmt: skip
"""Modules whose every piece of advice has a case."""


@cache
def table(**changes: Any) -> cf.Table:
    Z = np.array([[8.0, 5, 1, 0], [3, 9, 0, 2], [2, 1, 7, 4], [0, 1, 2, 6]])
    return cf.Table(**small(Z=Z, Y=np.ones((4, 4)) * 9, **changes))


def asked(one: cf.Table | None = None, **errors: Any) -> cf.Uncertainty:
    return cf.uncertainty(one or table(), "CO2", cf.Errors(**errors))


def one_demand() -> cf.Table:
    return table().aggregate(categories=dict.fromkeys(table().categories, "all"))


def asked_of(code: str) -> Any:
    return python(f'cf.uncertainty(table, "CO2", cf.Errors(F=0.1), {code})', table=table())


def drawn(errors: cf.Errors | None = None, draws: Any = 3, **asked: Any) -> Any:
    return cf.uncertainty(table(), "CO2", errors or cf.Errors(Z=0.1), draws=draws, **asked).drawn


def close_to_nothing() -> cf.Table:
    return cf.Table(Z=[[20.0, 3.0], [10.0, 0.0]], Y=[[40.0], [-9.0]], F=[[5.0, 1.0]],
                    regions=["DE", "FR"], sectors=["a", "b"], stressors="CO2",
                    demand=[("DE", "all")])  # fmt: skip


def far_apart() -> cf.Table:
    """A table with a coefficient of 1e35, since outputs differ that much."""
    return cf.Table(
        Z=np.array([[0.0, 1e20], [0.0, 0.0]]), Y=np.array([[1e20, 0.0], [0.0, 1e-15]]),
        F=np.array([[1.0, 2.0]]), regions=["DE", "FR"], sectors=["a", "a"], stressors=["CO2"],
    )  # fmt: skip


def shuffled(axis: str) -> Any:
    Y = table().Y / table().Y * 0.1
    return Y[::-1] if axis == "index" else Y.iloc[:, ::-1]


def from_file(text: str) -> cf.Errors:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "errors.toml")
        path.write_text(text, encoding="utf-8")
        return cf.Errors.read(path)


def in_a_folder(do: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        return do(Path(folder))


def shared_file(text: str) -> cf.Errors:
    return from_file(f"[[shared]]\n{text}")


def latin(text: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "errors.toml")
        path.write_bytes(text)
        return cf.Errors.read(path)


EVERY_CELL = r"one number for each cell of (table\.\w+)"
CASES = [
    Case(lambda: cf.uncertainty(table(), "CO2"),
         r"give e\.g\. (cf\.Errors\(.*\)), or cf\.Errors\.read of a file",
         lambda code: cf.uncertainty(table(), "CO2", python(code))),
    Case(lambda: cf.uncertainty(table(), "CO2", cf.Errors(F=0.1), of="paths"),
         "leave it out for accounts",
         lambda _: cf.uncertainty(table(), "CO2", cf.Errors(F=0.1))),
    # what was made
    Case(lambda: asked(F=0.1).interval(90), r"give e\.g\. (.*)",
         lambda level: asked(F=0.1).interval(python(level))),
    Case(lambda: asked(F=0.1).covariance("imports"), "leave it out",
         lambda _: asked(F=0.1).covariance()),
    Case(lambda: cf.uncertainty(table(), "CO2", cf.Errors(F=0.1), of="flows").covariance(),
         r'ask cf\.uncertainty\(…, (of="accounts")\)',
         lambda code: python(f'cf.uncertainty(table, "CO2", cf.Errors(F=0.1), {code})',
                             table=table()).covariance()),
    Case(lambda: asked(F=0.1).top_cells("DE", count=0), "leave it out for 10",
         lambda _: asked(F=0.1).top_cells("DE")),
    Case(lambda: asked(F=0.1).top_cells("DE", "import"), "leave it out",
         lambda _: asked(F=0.1).top_cells("DE")),
    Case(lambda: asked(F=0.1).top_cells("DD"), "nearest (?:is|are) (.*)",
         lambda names: asked(F=0.1).top_cells(named(names)[0])),
    Case(lambda: asked(F=0.1).top_cells("DE", consumer="NA"),
         r'leave it out, or ask cf\.uncertainty\(…, (of="flows")\)',
         lambda code: [asked(F=0.1).top_cells("DE"),
                       asked_of(code).top_cells("DE", consumer="NA")]),
    Case(lambda: asked_of('of="flows"').top_cells("DE", "imports"),
         r'leave it out, or ask cf\.uncertainty\(…, (of="accounts")\)',
         lambda code: [asked_of('of="flows"').top_cells("DE", consumer="NA"),
                       asked_of(code).top_cells("DE", "imports")]),
    Case(lambda: asked_of('of="flows"').top_cells("DE"), r"give e\.g\. (consumer=.*)",
         lambda code: python(f'found.top_cells("DE", {code})', found=asked_of('of="flows"'))),
    Case(lambda: cf.difference(asked(F=0.1), asked(F=0.1), correlation=2),
         "leave it out for errors that are independent",
         lambda _: cf.difference(asked(F=0.1), asked(F=0.1))),
    Case(lambda: cf.difference(asked(F=0.1), asked(one_demand(), F=0.1), correlation=0.5),
         "leave it out for errors that are independent",
         lambda _: cf.difference(asked(F=0.1), asked(one_demand(), F=0.1))),
    Case(lambda: drawn(cf.Errors(F=0.1, distribution="uniform"), correlation=0.5),
         r'use (distribution="lognormal"), which takes any',
         lambda code: cf.uncertainty(table(year=2000), "CO2",
                                     python(f"cf.Errors(F=0.1, {code})"), draws=3,
                                     correlation=0.5)),
    Case(lambda: cf.uncertainty(table(year=None), "CO2", cf.Errors(F=0.1), draws=3,
                                correlation=0.5),
         r"set it: (table\.with_changes\(year=…\)), or leave correlation out",
         lambda code: [
             cf.uncertainty(python(code.replace("…", "2000"), table=table(year=None)), "CO2",
                            cf.Errors(F=0.1), draws=3, correlation=0.5),
             drawn()]),
    Case(lambda: cf.uncertainty(table(), "CO2", cf.Errors(F=0.1), correlation=0.5),
         r"add e\.g\. (draws=50), or ask for a difference",
         lambda code: [
             asked_of(f"{code}, correlation=1"),
             cf.difference(asked(F=0.1), asked(F=0.1), correlation=0.5)]),
    Case(lambda: asked(F=0.1).probability(np.nan), r"give e\.g\. (above=0)",
         lambda code: python(f"found.probability({code})", found=asked(F=0.1))),
    Case(lambda: asked(F=0.1).probability(1.0, below=0.0), "leave one of them out",
         lambda _: asked(F=0.1).probability(below=0.0)),
    Case(lambda: cf.difference(table(), asked(F=0.1)),
         r"give e\.g\. (cf\.uncertainty\(table, stressor, errors\))",
         lambda code: cf.difference(
             python(code, table=table(), stressor="CO2", errors=cf.Errors(F=0.1)), asked(F=0.1))),
    Case(lambda: cf.difference(asked(F=0.1), asked_of('of="flows"')),
         "ask both tables for the same",
         lambda _: cf.difference(asked_of('of="flows"'), asked_of('of="flows"'))),
    Case(lambda: cf.difference(asked(F=0.1), asked(table().aggregate(regions={"DE": "X"}), F=0.1)),
         "aggregate both tables to the same regions",
         lambda _: cf.difference(*(asked(table().aggregate(regions={"DE": "X"}), F=0.1)
                                   for _ in "ab"))),
    Case(lambda: asked_of('of="net_imports"'),
         r"leave it out, and look at (found\.sd\.net_imports)",
         lambda code: python(code, found=asked(F=0.1))),
    Case(lambda: cf.difference(*(
             cf.uncertainty(table(), "CO2", cf.Errors(F=0.1), of="footprints", products=one)
             for one in (tuple(table().rows[0]), tuple(table().rows[1])))),
         "ask both tables for the same products",
         lambda _: cf.difference(*(
             cf.uncertainty(table(), "CO2", cf.Errors(F=0.1), of="footprints",
                            products=tuple(table().rows[0])) for _ in "ab"))),
    # the traded share
    Case(lambda: drawn(of="traded_share"),
         r'leave draws out, or ask (of="flows") and look at its samples',
         lambda code: [asked_of('of="traded_share"'),
                       cf.uncertainty(table(), "CO2", cf.Errors(F=0.1), of="flows", draws=3)
                       .drawn.samples]),
    Case(lambda: asked_of('of="traded_share"').top_cells("DE"), "look at by_sector",
         lambda _: asked_of('of="traded_share"').by_sector),
    # footprints
    Case(lambda: asked_of('of="footprints"'), r"give e\.g\. (products=.*)",
         lambda code: asked_of(f'of="footprints", {code}')),
    Case(lambda: cf.uncertainty(table(), "CO2", cf.Errors(F=0.1), of="footprints",
                                products=np.zeros(4, dtype=bool)), r"give e\.g\. (products=.*)",
         lambda code: asked_of(f'of="footprints", {code}')),
    Case(lambda: asked_of('of="footprints", products=[]'), r"give e\.g\. (products=.*)",
         lambda code: asked_of(f'of="footprints", {code}')),
    Case(lambda: asked_of(f'products={tuple(table().rows[0])}'),
         r'leave it out, or ask cf\.uncertainty\(…, (of="footprints")\)',
         lambda code: [asked_of("draws=None"),
                       asked_of(f"{code}, products={tuple(table().rows[0])}")]),
    Case(lambda: asked_of(f'of="footprints", products={tuple(table().rows[0])}, draws=3'),
         "leave draws out: deviations are to first order",
         lambda _: asked_of(f'of="footprints", products={tuple(table().rows[0])}')),
    # errors
    Case(lambda: cf.Errors(F=-0.1), "not negative and finite, such as (.*) for 10 %",
         lambda number: asked(F=python(number))),
    Case(lambda: cf.SharedError("a", 0.1, F=np.inf), r"that is finite, such as (.*) for 10 %",
         lambda number: cf.SharedError("a", 0.1, F=python(number))),
    Case(lambda: cf.Errors(F=np.array(["a"])), EVERY_CELL,
         lambda F: asked(F=0.1 + 0 * python(F, table=table()))),
    Case(lambda: cf.Errors(F={}), "name at least one label of the table, or leave it out",
         lambda _: [asked(F={"DE": 0.1}), asked()]),
    Case(lambda: cf.Errors(F=pd.Series([0.1, 0.2], ["DE", "DE"])), "leave one of them out",
         lambda _: asked(F=pd.Series([0.1], ["DE"]))),
    Case(lambda: cf.BySize(0.4, 20), r"give e\.g\. (.*), so that larger cells are surer",
         lambda b: asked(F=cf.BySize(0.4, python(b)))),
    Case(lambda: asked(F=cf.BySize(1e6, 10)), r"limit them, e\.g\. by (cf\.BySize\(a, b, at_.*\))",
         lambda code: asked(F=python(code, a=1e6, b=10))),
    Case(lambda: cf.SharedError("F", 0.1, F=1.0), r"say what the error is of, e\.g\. (.*)",
         lambda name: cf.SharedError(python(name), 0.1, F=1.0)),
    Case(lambda: cf.SharedError("a", 0.1), r"choose what it moves, e\.g\. (.*)",
         lambda code: python(f"cf.SharedError('a', 0.1, {code})")),
    Case(lambda: cf.Errors(shared=["a"]), r"make each with (cf\.SharedError\(name, sd, F=)…\)",
         lambda code: cf.Errors(shared=[python(f"{code}1.0)", name="a", sd=0.1)])),
    Case(lambda: cf.Errors(shared=[cf.SharedError("a", 0.1, F=1.0)] * 2), "rename one",
         lambda _: cf.Errors(shared=[cf.SharedError(name, 0.1, F=1.0) for name in "ab"])),
    # errors in a file
    Case(lambda: cf.Errors.read(3), r"give e\.g\. '(.*)'", lambda name: latin(b"F = 0.1")),
    Case(lambda: latin(b""), r"write e\.g\. (.*) for 10 %", from_file),
    Case(lambda: cf.Errors.read("none.toml"), "check the path", lambda _: from_file("Z = 0.1")),
    Case(lambda: cf.Errors.read("a.csv"),
         r"write lines such as (.*) to a file errors\.toml", from_file),
    Case(lambda: latin(b"\xe9"), "save it as UTF-8", lambda _: from_file('F."é" = 0.1')),
    Case(lambda: latin(b"#" * 10_000_001),
         r"as arrays, by (cf\.Errors)\(Z=…\) in Python",
         lambda code: asked(Z=python(f"{code}(Z=Z)", Z=np.ones((4, 4))).Z)),
    Case(lambda: from_file("F.a b = 1"),
         r"with labels, e\.g\. (Z = 0\.1), and quote labels with blanks, as in (?:F = .*)",
         lambda text: [from_file(text), from_file('F = { "Basic metals" = 0.2 }')]),
    Case(lambda: from_file("z = 1"), "nearest (?:is|are) (.*)",
         lambda names: from_file(f"{named(names)[0]} = 1")),
    Case(lambda: from_file("shared = 1"), r"head each with (\[\[shared\]\])",
         lambda head: from_file(f'{head}\nname = "a"\nsd = 1\nF = 1')),
    Case(lambda: shared_file("sd = 1\nF = 1"), "say what the error is of, e\\.g\\. (.*)",
         lambda line: shared_file(f"{line}\nsd = 1\nF = 1")),
    Case(lambda: shared_file('name = "a"\nF = 1'), r"write e\.g\. (sd = .*)",
         lambda line: shared_file(f'name = "a"\nF = 1\n{line}')),
    Case(lambda: shared_file('name = "a"\nsd = 1'), r"choose what it moves, e\.g\. (.*)",
         lambda line: shared_file(f'name = "a"\nsd = 1\n{line}')),
    Case(lambda: from_file('[[shared]]\nname = "a"\nsd = 1\nF = 1\n' * 2),
         "rename it, or shared 1",
         lambda _: from_file("".join(f'[[shared]]\nname = "{name}"\nsd = 1\nF = 1\n'
                                     for name in "ab"))),
    Case(lambda: from_file("Z.a.b.c = 1"), r"write e\.g\. (F\..*)", from_file),
    Case(lambda: from_file('Z."*" = 1'), r"write one number for all, e\.g\. (.*)", from_file),
    Case(lambda: from_file("Z = {}"), "name a label, or leave the key out for no error",
         lambda _: [from_file("Z.domestic = 0.1"), from_file("F = 0.1")]),
    Case(lambda: from_file("Z = { by_size = { a = 1, b = 1 }, trade = 1 }"),
         "write by_size for each label",
         lambda _: from_file("Z = { domestic.by_size = { a = 1, b = 1 }, trade = 1 }")),
    Case(lambda: from_file("Z.by_size = 1"), r"write e\.g\. (by_size = \{.*\})",
         lambda text: from_file(f"Z.{text}")),
    Case(lambda: from_file("Z.by_size = { a = 1, b = 20 }"),
         r"write e\.g\. (b = .*), so that larger cells are surer",
         lambda text: from_file(f"Z.by_size = {{ a = 1, {text} }}")),
    Case(lambda: from_file("Z = -1"), r"write e\.g\. (.*) for 10 %",
         lambda number: from_file(f"Z = {number}")),
    # draws
    Case(lambda: drawn(until=0.1, draws=None), r"add e\.g\. (draws=50)",
         lambda code: python(f"ask({code}, until=0.1)", ask=drawn)),
    Case(lambda: drawn(seed=3, draws=None), r"add e\.g\. (draws=50)",
         lambda code: python(f"ask({code}, seed=3)", ask=drawn)),
    Case(lambda: drawn(samples="a.csv"), r"give e\.g\. (.*)",
         lambda name: in_a_folder(lambda path: drawn(samples=path / python(name)))),
    Case(lambda: drawn(draws=1), "(50) are enough for most questions",
         lambda count: drawn(draws=python(count))),
    Case(lambda: drawn(seed=-1), "leave it out for 0", lambda _: drawn()),
    Case(lambda: drawn(until=0.0), r"give e\.g\. (0\.02), or leave it out to make all draws",
         lambda number: [drawn(until=python(number)), drawn()]),
    Case(lambda: drawn().quantile(5), r"give e\.g\. (.*)",
         lambda p: drawn().quantile(python(p))),
    Case(lambda: cf.uncertainty(far_apart(), "CO2", cf.Errors(Z=0.1), draws=2),
         "leave draws out", lambda _: cf.uncertainty(far_apart(), "CO2", cf.Errors(Z=0.1))),
    Case(lambda: cf.uncertainty(close_to_nothing(), "CO2", cf.Errors(Y=0.1), draws=2, seed=4),
         "give smaller errors to rows whose output is close to 0, where Y has negative cells",
         lambda _: cf.uncertainty(close_to_nothing(), "CO2", cf.Errors(Y=0.01), draws=2).drawn),
    Case(lambda: drawn(errors=cf.Errors(F=0.6, distribution="uniform")),
         'use (distribution="lognormal"), which',
         lambda code: drawn(errors=python(f"cf.Errors(F=0.6, {code})"))),
    Case(lambda: cf.Errors(F=0.1, distribution="normal"), "leave it out for 'lognormal'",
         lambda _: cf.Errors(F=0.1)),
    # errors of a table
    Case(lambda: cf.uncertainty(table(), cf.Errors(F=0.1)),
         r"give the stressor first, as in (cf\..*\)), or write (?:errors=errors)",
         lambda code: [python(code, table=table(), errors=cf.Errors(F=0.1)),
                       cf.uncertainty(cf.synthetic.world(2, 2), errors=cf.Errors(F=0.1))]),
    *(Case(lambda of=of: asked(**{of: {"DE": 0.1}}),
           r"write (\(.*\)) for what it sells, \(.*\) for what it buys",
           lambda pair, of=of: asked(**{of: {python(pair): 0.1}})) for of in "ZY"),
    Case(lambda: asked(F={(None, "coal"): 0.1}), "write ('coal') alone",
         lambda name: asked(F={python(name): 0.1})),
    Case(lambda: asked(F={("DE", "CO2"): 0.1}), r"write (\(.*\))",
         lambda pair: asked(F={python(pair): 0.1})),
    Case(lambda: asked(F={("DE", "NA"): 0.1}), "write ('DE') alone",
         lambda name: asked(F={python(name): 0.1})),
    Case(lambda: asked(F_Y=0.1), r"leave F_Y out, or add them with (table\.with_changes)\(F_Y=…\)",
         lambda code: [asked(F=0.1), asked(python(f"{code}(F_Y=np.ones((2, 4)))",
                                                  table=table()), F_Y=0.1)]),
    Case(lambda: asked(Z={"imports": 0.1}),
         r"give (\{.*\}), one number, or an array for every cell of table\.Z",
         lambda code: [asked(Z=given) for given in (python(code), 0.1, np.ones((4, 4)))]),
    Case(lambda: asked(F={"CO22": 0.1}), r"nearest are (.*)",
         lambda names: asked(F={named(names)[0]: 0.1})),
    Case(lambda: asked(F={"CO2": 0.1, "DE": 0.2}), r"give an array for every cell of (table\.F)",
         lambda F: asked(F=0.1 + 0 * python(F, table=table()))),
    Case(lambda: asked(F={"DE": 0.1, "Germany": 0.2}), "leave one of them out",
         lambda _: asked(F={"Germany": 0.2})),
    Case(lambda: asked(Y=np.ones((2, 4))), EVERY_CELL + ", or one for all",
         lambda Y: [asked(Y=0.1 + 0 * python(Y, table=table())), asked(Y=0.1)]),
    *(Case(lambda axis=axis: asked(Y=shuffled(axis)),
           r"use (\.reindex)\(…\) with these labels, or pass (?:\.to_numpy\(\))",
           lambda code, axis=axis: [
               asked(Y=shuffled(axis).to_numpy()),
               asked(Y=python(f"Y{code}(table.Y.index).reindex(columns=table.Y.columns)",
                              Y=shuffled(axis), table=table()))])
      for axis in ("index", "columns")),
]  # fmt: skip


def test_a_series_is_for_one_stressor_alone() -> None:
    one = cf.Table(**small(F=np.ones((1, 4)), stressors="CO2", stressor_units="kt"))
    by_sector = pd.Series(0.1, index=one.rows)
    found = cf.uncertainty(one, errors=cf.Errors(F=by_sector))
    assert found.sd.equals(cf.uncertainty(one, errors=cf.Errors(F=0.1)).sd)


test_what_an_error_advises_works, test_every_piece_of_advice_has_a_case = advice_tests(
    COVERED, CASES
)
