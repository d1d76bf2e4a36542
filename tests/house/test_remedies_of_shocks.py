"""What errors of extraction, scenarios and capital advise is done, and works."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from support.advice import NEAREST, Case, advice_tests, named
from support.worlds.three_regions import three_regions

import carbonflows_fast as cf

COVERED = [f"shocks/{name}" for name in ("_capital", "_extraction", "_scenario")]
"""Modules whose every piece of advice has a case."""

K = np.full((5, 5), 0.1)


def large() -> cf.Table:
    n = 4_500
    return cf.Table(
        Z=sp.csr_array((n, n)), Y=np.ones((n, 1)), F=np.ones(n), regions="AA",
        sectors=[f"s{at}" for at in range(n)], stressors="CO2",
    )  # fmt: skip


def changed(rebalance: Any = True, table: Any = None, **line: Any) -> cf.Table:
    made = three_regions() if table is None else table
    return cf.scenario(made, pd.DataFrame([line]), rebalance=rebalance)[0]


def invested(**changes: Any) -> cf.Table:
    demand = [(region, "capital") for region in ("AA", "BB", "CC")]
    return three_regions(**({"demand": demand} | changes))


def capital(table: cf.Table | None = None, numbers: Any = K, category: str = "capital") -> cf.Table:
    return cf.with_capital(table or invested(), numbers, category=category)


def idle() -> cf.Table:
    Z, Y = np.ones((5, 5)), np.full((5, 3), 9.0)
    Z[4], Z[:, 4], Y[4] = 0.0, 0.0, 0.0
    return invested(Z=Z, Y=Y)


def where(rows: Any, columns: Any) -> Any:
    made = np.zeros((5, 5))
    made[rows, columns] = 0.1
    return made


def two_of_three() -> cf.Table:
    return invested(demand=[("AA", "capital"), ("BB", "capital"), ("CC", "homes")])


CASES = [
    Case(lambda: cf.extraction(three_regions(), "goods", part=2),
         "give 1 for all of it, 0.5 for half",
         lambda _: [cf.extraction(three_regions(), "goods", part=part) for part in (1, 0.5)]),
    Case(lambda: changed(part="B", factor=1), "write one of them",
         lambda _: changed(part="A", factor=1)),
    Case(lambda: changed(part="A", stressor="CO2", factor=1),
         "leave it empty, or change another part",
         lambda _: (changed(part="A", factor=1), changed(part="S", stressor="CO2", factor=1))),
    Case(lambda: changed(part="A"), "give one of the two",
         lambda _: (changed(part="A", factor=1), changed(part="A", value=0))),
    Case(lambda: changed(part="S", stressor="CO", factor=1), NEAREST,
         lambda text: changed(part="S", stressor=named(text)[0], factor=1)),
    Case(lambda: changed("yes", part="A", factor=1), "leave it out, or give False",
         lambda _: (changed(part="A", factor=1), changed(False, part="A", factor=1))),
    Case(lambda: changed(part="Z", value=1, table=idle()),
         "leave such sectors out, or give rebalance=False",
         lambda _: (changed(part="Z", value=1, buyer_region="AA", table=idle()),
                    changed(False, part="Z", value=1, table=idle()))),
    Case(lambda: changed(part="A", value=1e-9, table=large()),
         "name the cells more closely, or give a factor",
         lambda _: (changed(part="A", value=1e-9, sector="s1", table=large()),
                    changed(part="A", factor=0.5, table=large()))),
    Case(lambda: capital(category="Capital"), NEAREST,
         lambda text: capital(category=named(text)[0])),
    Case(lambda: capital(numbers=None), "give what each industry wears out of each product",
         lambda _: capital()),
    Case(lambda: capital(numbers=-K),
         "give what is worn out; what is added stays in final demand",
         lambda _: capital(numbers=K)),
    Case(lambda: capital(idle(), where(0, 4)), "give it to the industries that use it",
         lambda _: capital(idle(), where(0, 3))),
    Case(lambda: capital(two_of_three()),
         "give the table such columns, or leave capital of these regions out",
         lambda _: (capital(), capital(two_of_three(), where(0, 0)))),
]  # fmt: skip

test_what_an_error_advises_works, test_every_piece_of_advice_has_a_case = advice_tests(
    COVERED, CASES
)
