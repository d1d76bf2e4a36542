"""What errors of national tables advise is done, and works."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from support.advice import NEAREST, Case, advice_tests, named, python

import carbonflows_fast as cf

COVERED = [
    f"table/_national/{name}" for name in ("_country", "_shared_out", "_technology", "_two_regions")
]
"""Modules whose every piece of advice has a case."""

Z, Y = np.array([[1.0, 2], [3, 4]]), np.array([[5.0, 1], [6, 2]])
USED, FINAL = np.array([[0.5, 0.5], [0.2, 0.1]]), np.array([[1.0, 0], [2, 0]])
IN_ALL = np.array([0.5, 1.0])
REGIONAL = pd.MultiIndex.from_tuples([("LU", "goods"), ("LU", "rest")])


def make(**changes: Any) -> cf.Table:
    given = {
        "Z": Z, "Y": Y, "F": [1.0, 2], "region": "LU", "stressors": "CO2", "exports": "sold",
        "categories": ["homes", "sold"], "sectors": ["goods", "rest"],
    }  # fmt: skip
    given |= changes
    return cf.national(**{key: value for key, value in given.items() if value is not None})


def by_use(**changes: Any) -> cf.Table:
    return make(**({"imports": (USED, FINAL)} | changes))


def with_column(imports: Any, subtracted: Any) -> cf.Table:
    return make(Y=np.column_stack([Y, subtracted]), categories=["homes", "sold", "bought"],
                imports=imports)  # fmt: skip


def arguments(code: str, **known: Any) -> dict[str, Any]:
    return dict(python(f"dict({code})", **known))


def three_kinds(products: Any = None, **changes: Any) -> cf.Table:
    parts = np.ones((3, 2)), np.ones((3, 2))
    imports = tuple(pd.DataFrame(part, products) for part in parts) if products else parts
    return by_use(imports=imports, technology=np.ones((1, 3)), **changes)


CASES = [
    Case(lambda: make(Y=Y, exports=["homes", "sold"]),
         "give Y with a column for those who consume at home",
         lambda _: make(exports=["sold"])),
    Case(lambda: make(Z=pd.DataFrame(Z, REGIONAL, REGIONAL)),
         r"take the region out with (\.droplevel\(0\))",
         lambda how: make(Z=pd.DataFrame(Z, *[python(f"rows{how}", rows=REGIONAL)] * 2))),
    Case(lambda: make(exports="Sold"), NEAREST, lambda text: make(exports=named(text)[0])),
    Case(lambda: with_column(imports="bougt", subtracted=-IN_ALL), NEAREST,
         lambda text: with_column(imports=named(text)[0], subtracted=-IN_ALL)),
    Case(lambda: with_column("bought", IN_ALL),
         "give imports as an array, above 0 and by product, and leave the column out of Y",
         lambda _: make(imports=IN_ALL)),
    Case(lambda: make(imports="sold"),
         "name the column that subtracts imports, or leave imports out",
         lambda _: with_column("bought", -IN_ALL) and make()),
    Case(lambda: make(exports=Y[:, 1]), r"write (exports='sold'), or leave the column out of Y",
         lambda how: make(**arguments(how)) and make(Y=Y[:, :1], categories=["homes"],
                                                     exports=Y[:, 1])),
    Case(lambda: with_column(IN_ALL, -IN_ALL),
         r"write (imports='bought'), or leave the column out of Y",
         lambda how: with_column(subtracted=-IN_ALL, **arguments(how)) and make(imports=IN_ALL)),
    Case(lambda: by_use(row_units=pd.Series(["EUR", "TJ"], ["rest", "goods"])),
         "bring both into one order",
         lambda _: by_use(row_units=pd.Series(["TJ", "EUR"], ["goods", "rest"]))),
    Case(lambda: by_use(row_units=pd.Series(["EUR"], ["goods"])),
         "give a unit for each sector, in order",
         lambda _: by_use(row_units=pd.Series(["TJ", "EUR"], ["goods", "rest"]))),
    Case(lambda: make(imports=-IN_ALL),
         "turn the sign, or move what is no import to another column of Y",
         lambda _: make(imports=IN_ALL)),
    Case(lambda: make(imports=(USED, FINAL, IN_ALL)),
         r"give (imports=\(Zm, Ym\)), with re-exports in the columns of Ym that are exports",
         lambda how: make(**arguments(how, Zm=USED, Ym=FINAL))),
    Case(lambda: make(imports=IN_ALL * 1000),
         r"give Z and Y that contain imports, or (imports=\(Zm, Ym\)) beside domestic ones",
         lambda how: make(**arguments(how, Zm=USED, Ym=FINAL))),
    Case(lambda: by_use(technology="foreign"),
         "write 'domestic', or give an array of factors",
         lambda _: by_use(technology="domestic") and by_use(technology=np.ones((1, 2)))),
    Case(lambda: make(technology=[1.0, 2.0]),
         "give imports too, or leave technology out",
         lambda _: by_use(technology=[1.0, 2.0]) and make()),
    Case(lambda: by_use(imports=(USED[0], FINAL[0])),
         "give factors for all imports, or imports with a row for each sector, in order",
         lambda _: by_use(imports=(USED[0], FINAL[0]), technology=0.5) and by_use()),
    Case(lambda: by_use(technology={"good": 1.0}), NEAREST,
         lambda text: by_use(technology={named(text)[0]: 1.0})),
    Case(lambda: by_use(technology={"goods": [1.0, 2.0]}), "give them in the order CO2",
         lambda _: by_use(technology={"goods": [1.0]})),
    Case(lambda: by_use(technology=pd.DataFrame([[1.0, 2.0]], columns=["rest", "goods"])),
         "bring both into one order",
         lambda _: by_use(technology=pd.DataFrame([[1.0, 2.0]], columns=["goods", "rest"]))),
    Case(lambda: three_kinds(), "give DataFrames whose rows are the imported products",
         lambda _: three_kinds(["a", "b", "c"])),
    Case(lambda: make(sectors=None), r"give (sectors=\[…\]), one name per row of Z",
         lambda how: make(**arguments(how.replace("…", "'goods', 'rest'")))),
    Case(lambda: make(categories=None), r"give (categories=\[…\]), one name per column of Y",
         lambda how: make(**arguments(how.replace("…", "'homes', 'sold'")))),
    Case(lambda: make(region=" "), "give e.g. 'LU' and 'RoW'",
         lambda text: make(**dict(zip(("region", "abroad"), named(text), strict=True)))),
    Case(lambda: make(abroad="lu"), "give e.g. (abroad='Imports')",
         lambda how: make(**arguments(how))),
    Case(lambda: three_kinds(["a", "b", "c"], row_units=["EUR", "TJ"]),
         "write one text, e.g. (row_units='M.EUR')",
         lambda how: three_kinds(["a", "b", "c"], **arguments(how))),
]  # fmt: skip

test_what_an_error_advises_works, test_every_piece_of_advice_has_a_case = advice_tests(
    COVERED, CASES
)
