"""What errors about errors of data advise is done, and works."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from support.advice import Case, advice_tests, named, python
from support.worlds.small_table import small

import carbonflows_fast as cf

COVERED = [f"uncertainties/{name}" for name in (
    "_cells", "_draw_all", "_draw_solves", "_drawing", "_draws", "_errors", "_perturbed", "_result",
    "_spread", "_uncertainty")]  # fmt: skip
"""Modules whose every piece of advice has a case."""


@cache
def table(**changes: Any) -> cf.Table:
    Z = np.array([[8.0, 5, 1, 0], [3, 9, 0, 2], [2, 1, 7, 4], [0, 1, 2, 6]])
    return cf.Table(**small(Z=Z, Y=np.ones((4, 4)) * 9, **changes))


def asked(one: cf.Table | None = None, **errors: Any) -> cf.Uncertainty:
    return cf.uncertainty(one or table(), "CO2", cf.Errors(**errors))


def drawn(errors: cf.Errors | None = None, draws: Any = 3, **asked: Any) -> Any:
    return cf.uncertainty(table(), "CO2", errors or cf.Errors(Z=0.1), draws=draws, **asked).drawn


def close_to_nothing() -> cf.Table:
    return cf.Table(Z=[[20.0, 3.0], [10.0, 0.0]], Y=[[40.0], [-9.0]], F=[[5.0, 1.0]],
                    regions=["DE", "FR"], sectors=["a", "b"], stressors="CO2",
                    demand=[("DE", "all")])  # fmt: skip


def shuffled(axis: str) -> Any:
    Y = table().Y / table().Y * 0.1
    return Y[::-1] if axis == "index" else Y.iloc[:, ::-1]


EVERY_CELL = r"one number for each cell of (table\.\w+)"
CASES = [
    Case(lambda: cf.uncertainty(table(), "CO2"), r"give e\.g\. (cf\.Errors\(.*\))",
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
    # errors
    Case(lambda: cf.Errors(F=-0.1), "not negative and finite, such as (.*) for 10 %",
         lambda number: asked(F=python(number))),
    Case(lambda: cf.SharedError("a", 0.1, F=np.inf), r"that is finite, such as (.*) for 10 %",
         lambda number: cf.SharedError("a", 0.1, F=python(number))),
    Case(lambda: cf.Errors(F=np.array(["a"])), EVERY_CELL,
         lambda F: asked(F=0.1 + 0 * python(F, table=table()))),
    Case(lambda: cf.Errors(F={}), "name at least one label of the table, or leave it out",
         lambda _: [asked(F={"DE": 0.1}), asked()]),
    Case(lambda: cf.SharedError("F", 0.1, F=1.0), r"say what the error is of, e\.g\. (.*)",
         lambda name: cf.SharedError(python(name), 0.1, F=1.0)),
    Case(lambda: cf.SharedError("a", 0.1), r"choose what it moves, e\.g\. (.*)",
         lambda code: python(f"cf.SharedError('a', 0.1, {code})")),
    Case(lambda: cf.Errors(shared=["a"]), r"make each with (cf\.SharedError\(name, sd, F=)…\)",
         lambda code: cf.Errors(shared=[python(f"{code}1.0)", name="a", sd=0.1)])),
    Case(lambda: cf.Errors(shared=[cf.SharedError("a", 0.1, F=1.0)] * 2), "rename one",
         lambda _: cf.Errors(shared=[cf.SharedError(name, 0.1, F=1.0) for name in "ab"])),
    # draws
    Case(lambda: drawn(until=0.1, draws=None), r"add e\.g\. (draws=50)",
         lambda code: python(f"ask({code}, until=0.1)", ask=drawn)),
    Case(lambda: drawn(draws=1), "(50) are enough for most questions",
         lambda count: drawn(draws=python(count))),
    Case(lambda: drawn(seed=-1), "leave it out for 0", lambda _: drawn()),
    Case(lambda: drawn(until=0.0), r"give e\.g\. (0\.02), or leave it out to make all draws",
         lambda number: [drawn(until=python(number)), drawn()]),
    Case(lambda: drawn().quantile(5), r"give e\.g\. (.*)",
         lambda p: drawn().quantile(python(p))),
    Case(lambda: cf.uncertainty(close_to_nothing(), "CO2", cf.Errors(Y=0.1), draws=2),
         "give smaller errors to rows whose output is close to 0, where Y has negative cells",
         lambda _: cf.uncertainty(close_to_nothing(), "CO2", cf.Errors(Y=0.01), draws=2).drawn),
    Case(lambda: drawn(errors=cf.Errors(F=0.6, distribution="uniform")),
         'use (distribution="lognormal"), which',
         lambda code: drawn(errors=python(f"cf.Errors(F=0.6, {code})"))),
    Case(lambda: cf.Errors(F=0.1, distribution="normal"), "leave it out for 'lognormal'",
         lambda _: cf.Errors(F=0.1)),
    # errors of a table
    Case(lambda: asked(F_Y=0.1), r"leave F_Y out, or add them with (table\.with_changes)\(F_Y=…\)",
         lambda code: [asked(F=0.1), asked(python(f"{code}(F_Y=np.ones((2, 4)))",
                                                  table=table()), F_Y=0.1)]),
    *(Case(lambda of=of: asked(**{of: {"imports": 0.1}}),
           rf"give (\{{.*\}}), one number, or an array for every cell of table\.{of}",
           lambda code, of=of: [asked(**{of: given}) for given in (
               python(code), 0.1, np.ones((4, 4)))])
      for of in "ZY"),
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
