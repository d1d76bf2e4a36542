"""What errors of supply and use tables advise is done, and works."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from support.advice import Case, advice_tests, named, python
from support.worlds.supply_use_world import framed, two_regions

import carbonflows_fast as cf

COVERED = [f"supply_use/{name}" for name in ("_from_supply_use", "_given", "_models", "_pair")]
"""Modules whose every piece of advice has a case."""

GIVEN = two_regions()
PLACES = {
    "industries": [(region, name) for region in ("DE", "FR") for name in ("farms", "factories")],
    "products": [(region, name) for region in ("DE", "FR") for name in ("food", "goods", "biogas")],
}


def make(*, model: Any = "D", **changes: Any) -> cf.Table:
    return cf.from_supply_use(**two_regions(**changes), model=model)


def told_two_ways() -> list[cf.Table]:
    return [make(), make(regions=None, **PLACES)]


def with_frames(V: Any) -> cf.Table:
    """The table with labels in frames, and another V."""
    demand = [(region, "all") for region in ("DE", "FR")]
    more = {"emissions_by": "industry", "demand": demand, "F_Y": np.zeros((1, 2))}
    given = two_regions(**PLACES, **more, stressors=["CO2"])
    frames = framed(given)
    return cf.from_supply_use(**(frames | {"V": V(frames["V"])}))


def made_of(output: float) -> cf.Table:
    """A pair in which German farms make so much."""
    V = GIVEN["V"].copy()
    V[0] = [output, 0, 0, 0, 0, 0]
    return make(V=V, model=None)


def of_one_kind(V: Any, **options: Any) -> cf.Table:
    """A region with as many products as industries."""
    V = np.array(V)
    U = np.array([[1.0, 2], [3, 4]])
    table = {"V": V, "U": U, "Y": V.sum(axis=0) - U.sum(axis=1), "F": [1.0, 2], "regions": "DE",
             "industries": [*"ab"], "products": [*"pq"], "stressors": "CO2"}  # fmt: skip
    return cf.from_supply_use(**(table | options))


def traded(at_home: bool) -> cf.Table:
    """German farms that make goods in France, or goods in Germany that France uses."""
    V, U = GIVEN["V"].copy(), GIVEN["U"].copy()
    V[0, 1 if at_home else 4] += 5.0
    U[1 if at_home else 4, 3] += 5.0
    return make(V=V, U=U)


LOPSIDED = [[50.0, 30], [10, 40]]
CASES = [
    *(Case(wrong, r"give regions=\[…\] with the industries=\[…\] and products=\[…\] of every",
           lambda _: told_two_ways())
      for wrong in (
          lambda: make(industries=None),
          lambda: make(products=["food", "goods"]),
          lambda: make(regions=None),
          lambda: make(regions=["DE", "DE"]),
          lambda: make(regions=3),
          lambda: make(industries=3),
          lambda: make(industries=["farms", ("DE", "factories")]),
          lambda: make(industries={"farms", "factories"}),
      )),
    Case(lambda: make(V=np.zeros((0, 6)), industries=[]),
         "give a row for each industry and a column for each product", lambda _: make()),
    Case(lambda: made_of(1e-320), "set such an output to 0, or correct it",
         lambda _: [made_of(0.0), made_of(100.0)]),
    Case(lambda: make(V=GIVEN["V"].T), r"give V\.T", lambda _: make(V=GIVEN["V"].T.T)),
    Case(lambda: with_frames(lambda V: V.T), r"give V\.T", lambda _: with_frames(lambda V: V.T.T)),
    Case(lambda: of_one_kind(np.array(LOPSIDED).T, Y=[57.0, 63.0]), r"give V\.T",
         lambda _: of_one_kind(LOPSIDED, Y=[57.0, 63.0])),
    Case(lambda: traded(at_home=False),
         "enter it as a product of the industry's region, which others use in U and Y",
         lambda _: traded(at_home=True)),
    *(Case(lambda model=model: make(model=model), r"take (model='[BD]'), or (?:model=None)",
           lambda code: [make(**python(f"dict({code})")), make(model=None)])
      for model in "AC"),
    *(Case(lambda model=model: of_one_kind([[1.0, 2], [2, 4]], model=model),
           r"take (model='[BD]'), or (?:model=None)",
           lambda code: [of_one_kind([[1.0, 2], [2, 4]], **python(f"dict({code})")),
                         of_one_kind([[1.0, 2], [2, 4]], model=None)])
      for model in "AC"),
    Case(lambda: make(row_units=["M.EUR"] * 4), r"give e\.g\. (row_units=.*)",
         lambda code: make(**python(f"dict({code})"))),
]  # fmt: skip


def test_errors_name_the_place() -> None:
    said = {
        str(case_error(wrong))
        for wrong in (
            lambda: traded(at_home=False),
            lambda: make(model="A"),
            lambda: of_one_kind([[1.0, 2], [2, 4]], model="C"),
            lambda: make(U=GIVEN["U"][:, :3]),
            lambda: make(U=np.where(GIVEN["U"] == 12.0, np.nan, GIVEN["U"])),
        )
    }
    assert {text.split("; ")[0] for text in said} == {
        "V: expected industries that make products of their own region, got 5 at row 0 (DE, "
        "farms), column 4 (FR, goods)",
        "V: expected as many products as industries in every region for model 'A', got 3 products "
        "of 2 industries in 'DE'",
        "V: expected industries whose products differ for model 'C', got a singular supply table "
        "of 'DE'",
        "U: expected shape (6, 4), products × industries, where V is industries × products, got "
        "shape (6, 3)",
        "U: expected finite numbers, got nan at row 2 (DE, biogas), column 1 (DE, factories) and 1 "
        "more",
    }


def case_error(wrong: Any) -> cf.CarbonFlowsError:
    try:
        wrong()
    except cf.CarbonFlowsError as error:
        return error
    raise AssertionError("no error")


def test_labels_that_disagree_are_named() -> None:
    shuffled = with_labels(["food", "biogas", "goods"])
    error = case_error(lambda: make(U=shuffled, regions=None, industries=None, products=None,
                                    V=with_labels_of_V()))  # fmt: skip
    assert named(str(error)) == ["biogas", "goods"]
    assert isinstance(error, cf.LabelError)


def with_labels(names: list[str]) -> pd.DataFrame:
    products = pd.MultiIndex.from_product([["DE", "FR"], names])
    return pd.DataFrame(GIVEN["U"], products, pd.MultiIndex.from_tuples(PLACES["industries"]))


def with_labels_of_V() -> pd.DataFrame:
    axes = (pd.MultiIndex.from_tuples(PLACES[kind]) for kind in ("industries", "products"))
    return pd.DataFrame(GIVEN["V"], *axes)


test_what_an_error_advises_works, test_every_piece_of_advice_has_a_case = advice_tests(
    COVERED, CASES
)
