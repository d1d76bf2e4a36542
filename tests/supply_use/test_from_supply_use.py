"""Supply and use: the four models by their formulas, and the pair that agrees with two of them."""

from __future__ import annotations

import logging
import pickle
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from support.references.supply_use_reference import inverse_of, model_reference, pair_reference
from support.worlds.supply_use_world import framed, supply_use_tables, two_regions

import carbonflows_fast as cf
from carbonflows_fast.leontief._tiles import cut_blocks, tiles_from
from carbonflows_fast.supply_use import _pair

NUMBERS = ("V", "U", "Y", "F")


def close(found: Any, expected: Any, rtol: float = 1e-9) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    scale = np.abs(expected).max(initial=1e-3)
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * scale)


def by_formula(model: str, table: dict[str, Any]) -> Any:
    matrices = (table[name] for name in NUMBERS)
    return model_reference(model, *matrices, by_product=table["emissions_by"] == "product")


# --- the models -----------------------------------------------------------------------------


@given(
    st.sampled_from("BD").flatmap(
        lambda model: st.tuples(st.just(model), supply_use_tables(balanced=False))
    )
    | st.tuples(st.sampled_from("ABCD"), supply_use_tables(square=True))
)
def test_a_model_is_its_formula(asked: tuple[str, dict[str, Any]]) -> None:
    model, table = asked
    made = cf.from_supply_use(**table, model=model)
    Z, Y, F, x = by_formula(model, table)
    for name, expected in {"Z": Z, "Y": Y, "F": F, "F_Y": table["F_Y"], "x": x}.items():
        found = getattr(made, name)
        close(found.toarray() if name == "Z" else found, expected, 1e-8)
    assert list(made.rows) == table["products" if model in "AB" else "industries"]
    assert list(made.demand) == table["demand"]
    assert set(made.row_units) == {"M.EUR"}


@given(supply_use_tables(square=True), st.sampled_from(["A", "B", "C", "D", None]))
def test_what_is_sold_is_made(table: dict[str, Any], model: Any) -> None:
    """A balanced supply and use table makes a balanced table, and no emission is lost."""
    made = cf.from_supply_use(**table, model=model)
    assert len(made.notes) == (2 if model in ("A", "C") and "negative" in made.notes[-1] else 1)
    close(made.Z.sum(axis=1) + made.Y.sum(axis=1), made.x, 1e-8)
    close(made.F.sum(axis=1), table["F"].sum(axis=1), 1e-8)


@pytest.mark.parametrize("model", "ABCD")
def test_industries_that_make_one_product_each_leave_nothing_to_a_model(model: str) -> None:
    V = np.diag([100.0, 80.0, 50.0])
    table = {"V": V, "U": np.arange(9.0).reshape(3, 3), "Y": np.ones((3, 1)), "F": np.ones(3)}
    made = cf.from_supply_use(**table, model=model, regions="DE", industries=[*"abc"],
                              products=[*"pqr"], stressors="CO2")  # fmt: skip
    close(made.Z.toarray(), table["U"], 1e-15)
    close(made.Y, table["Y"], 1e-15)
    close(made.F, table["F"][None], 1e-15)


# --- the pair -------------------------------------------------------------------------------


@given(supply_use_tables(balanced=False))
def test_the_pair_has_the_multipliers_of_the_models(table: dict[str, Any]) -> None:
    by_product = table["emissions_by"] == "product"
    pair = cf.from_supply_use(**table, model=None)
    found = cf.multipliers(pair)
    matrices = (table[name] for name in ("V", "U", "F"))
    expected = pair_reference(*matrices, by_product=by_product)
    kinds = industries, products = rows_of(pair, table)
    for rows, M in zip(kinds, expected, strict=True):
        close(found.iloc[:, rows], M)
    by_model = cf.multipliers(cf.from_supply_use(**table, model="B"))
    close(found.iloc[:, products], by_model)
    if not by_product:
        close(found.iloc[:, industries], cf.multipliers(cf.from_supply_use(**table, model="D")))


def rows_of(pair: cf.Table, table: dict[str, Any]) -> tuple[list[int], list[int]]:
    """Where the industries of a pair are, and where its products are."""
    at = {row: place for place, row in enumerate(pair.rows)}
    names = [{name for _, name in table[kind]} for kind in ("industries", "products")]
    behind = ["", ""] if names[0].isdisjoint(names[1]) else [" (industry)", " (product)"]
    first, second = (
        [at[region, name + more] for region, name in table[kind]]
        for kind, more in zip(("industries", "products"), behind, strict=True)
    )
    return first, second


@given(supply_use_tables(balanced=False), st.sampled_from("BD"))
def test_the_pair_has_the_accounts_of_the_models(table: dict[str, Any], model: str) -> None:
    if table["emissions_by"] == "product":
        model = "B"
    both = [cf.from_supply_use(**table, model=one) for one in (None, model)]
    regions = list(both[1].regions)
    found, expected = (cf.accounts(one, "CO2").loc[regions] for one in both)
    for column in ("production", "consumption", "imports", "exports", "households", "unallocated"):
        close(found[column], expected[column])
    found, expected = (cf.flows(one, "CO2").matrix.loc[regions, regions] for one in both)
    close(found, expected)


@given(supply_use_tables())
def test_the_pair_stores_what_was_given(table: dict[str, Any]) -> None:
    pair = cf.from_supply_use(**table, model=None)
    industries, products = rows_of(pair, table)
    A, x = pair.A.toarray(), pair.x.to_numpy()
    for name, rows, columns in (("V", industries, products), ("U", products, industries)):
        quotients = np.divide(table[name], x[columns], out=np.zeros_like(table[name]),
                              where=x[columns] != 0)  # fmt: skip
        assert (A[np.ix_(rows, columns)] == quotients).all()
    assert np.count_nonzero(A) == np.count_nonzero(table["V"]) + np.count_nonzero(table["U"])
    close(pair.x.iloc[industries], table["V"].sum(axis=1), 1e-14)
    close(pair.x.iloc[products], table["V"].sum(axis=0), 1e-14)
    assert (pair.Y.to_numpy()[products] == table["Y"]).all()
    assert not pair.Y.to_numpy()[industries].any()


@given(supply_use_tables())
def test_products_follow_those_who_make_most_of_them(table: dict[str, Any]) -> None:
    pair = cf.from_supply_use(**table, model=None)
    industries, products = rows_of(pair, table)
    for at, row in enumerate(products):
        makers = np.flatnonzero(table["V"][:, at])
        if len(makers):
            main = makers[table["V"][makers, at].argmax()]
            next_one = min([other for other in industries if other > industries[main]],
                           default=len(pair.rows))  # fmt: skip
            assert industries[main] < row < next_one
    regions = [region for region, _ in pair.rows]
    assert regions == sorted(regions, key=regions.index)


def test_every_question_is_answered_by_a_pair() -> None:
    pair, square = (cf.from_supply_use(**two_regions(), model=model) for model in (None, "D"))
    chains, others = (cf.structural_paths(one, min_share=1e-6) for one in (pair, square))
    close(chains.total, others.total, 1e-10)
    assert len(chains) > len(others) > 100  # a product may be made by two
    study, other = (cf.sector_study(one, sectors="farms") for one in (pair, square))
    close(study.total, other.total, 1e-10)
    close(cf.flows(pair).bilateral_trade(), cf.flows(square).bilateral_trade())
    layers = cf.production_layers(pair, layers=6).to_numpy()
    assert layers.shape[0] >= 6


def test_a_pair_is_saved_sent_and_added_up_like_any_table(tmp_path: Path) -> None:
    pair = cf.from_supply_use(**two_regions(), model=None)
    cf.save(pair, tmp_path / "pair")
    for same in (cf.open(tmp_path / "pair"), pickle.loads(pickle.dumps(pair))):
        assert same.equals(pair)
        assert same.notes == pair.notes
    whole = pair.aggregate(regions={"DE": "EU", "FR": "EU"})
    close(cf.accounts(whole)["production"], cf.accounts(pair)["production"].sum())
    halved = pair.with_changes(Y=pair.Y / 2)
    close(cf.accounts(halved)["consumption"], cf.accounts(pair)["consumption"] / 2)


def test_a_check_of_a_pair_knows_its_products() -> None:
    """Their columns add up to 1 by nature; those of an industry that gains nothing do not."""
    pair = cf.from_supply_use(**two_regions(), model=None)
    assert "column sum" not in set(cf.check(pair).findings["check"])
    assert cf.repair(pair, column_sums=0.99)[0].equals(pair)
    table = two_regions()
    table["U"][3, 1] += table["V"][1].sum() - table["U"][:, 1].sum()
    pair = cf.from_supply_use(**table, model=None)
    found = cf.check(pair).findings.query("check == 'column sum'")
    assert list(zip(found["region"], found["sector"], strict=True)) == [("DE", "factories")]


# --- labels ---------------------------------------------------------------------------------


@given(
    supply_use_tables(),
    st.sampled_from(["B", "D", None]),
    st.sampled_from([sp.csr_array, sp.csc_matrix, sp.coo_array, np.asfortranarray]),
)
def test_frames_and_sparse_matrices_give_the_same_table(
    table: dict[str, Any], model: Any, form: Any
) -> None:
    made = cf.from_supply_use(**table, model=model)
    assert made.equals(cf.from_supply_use(**framed(table), model=model))
    sparse = table | {name: form(table[name]) for name in ("V", "U")}
    assert made.equals(cf.from_supply_use(**sparse, model=model))


def test_every_region_has_the_names_that_are_given_once() -> None:
    table = cf.from_supply_use(**two_regions())
    assert list(table.rows) == [(r, s) for r in ("DE", "FR") for s in ("farms", "factories")]
    assert list(table.demand) == [("DE", "final demand"), ("FR", "final demand")]
    pairs = [(region, name) for region in ("DE", "FR") for name in ("farms", "factories")]
    assert cf.from_supply_use(**two_regions(industries=pairs)).equals(table)
    columns = pd.Index(["DE", "FR"])
    labelled = pd.DataFrame(two_regions()["Y"], columns=columns)
    assert cf.from_supply_use(**two_regions(Y=labelled)).equals(table)


def test_names_that_industries_share_with_products_are_told_apart() -> None:
    table = two_regions(industries=["food", "goods"])
    pair = cf.from_supply_use(**table, model=None)
    assert list(pair.rows[:3]) == [("DE", "food (industry)"), ("DE", "food (product)"),
                                   ("DE", "biogas (product)")]  # fmt: skip
    assert "whose names say which" in pair.notes[0]
    assert cf.from_supply_use(**table).sectors == ("food", "goods")


# --- what is said ---------------------------------------------------------------------------


def test_negatives_of_model_A_are_counted_and_kept(caplog: pytest.LogCaptureFixture) -> None:
    V = np.array([[90.0, 30.0], [10.0, 70.0]])
    U = np.array([[1.0, 30.0], [40.0, 2.0]])
    Y = V.sum(axis=0) - U.sum(axis=1)
    table = {"V": V, "U": U, "Y": Y, "F": np.array([1.0, 80.0]), "regions": "DE",
             "industries": [*"ab"], "products": [*"pq"], "stressors": "CO2"}  # fmt: skip
    Z = U @ inverse_of(V) @ np.diag(V.sum(axis=0))
    assert (Z < 0).any()
    with caplog.at_level(logging.WARNING, "carbonflows_fast"):
        made = cf.from_supply_use(**table, model="A", row_units="M.EUR", name="tiny")
    close(made.Z.toarray(), Z)
    said = f"{(Z < 0).sum()} in Z (sum {Z[Z < 0].sum():.6g} M.EUR), 1 in F (sum "
    assert said in made.notes[1]
    assert caplog.messages == [f"tiny: {made.notes[1]}"]
    assert "1 in Y" not in made.notes[1]
    assert "by model A (product technology)" in made.notes[0]


def test_what_does_not_balance_is_said() -> None:
    table = two_regions()
    assert len(cf.from_supply_use(**table).notes) == 1
    table["Y"][4, 0] += 7.0
    for model in ("B", "D", None):
        (note,) = cf.from_supply_use(**table, model=model).notes[1:]
        assert "differ by 7 M.EUR in all" in note
        assert "most at FR, goods (90 and 97)" in note


def test_primary_inputs_that_do_not_balance_are_said() -> None:
    table = two_regions()
    paid = table["V"].sum(axis=1) - table["U"].sum(axis=0)
    table |= {"F": np.array([table["F"][0], paid]), "stressors": ["CO2", "value added"],
              "stressor_units": ["kt", "M.EUR"],
              "extensions": ["emissions", "primary inputs"]}  # fmt: skip
    assert len(cf.from_supply_use(**table).notes) == 1
    table["F"][1, 2] -= 3.0
    (note,) = cf.from_supply_use(**table).notes[1:]
    assert note.startswith("Industries do not balance")
    assert "differ by 3 M.EUR in all" in note


def test_what_industries_without_output_emit_is_said() -> None:
    table = two_regions()
    table["V"][3] = 0.0
    table["Y"][3:] = 0.0
    for model in ("B", "D"):
        notes = cf.from_supply_use(**table, model=model).notes
        lost = [note for note in notes if note.startswith("Industries without output")]
        bought = table["U"][:, 3].sum()
        said = f"Industries without output buy {bought:g} M.EUR, emit 10 kt of CO2, which no"
        assert [note.startswith(said) for note in lost] == [True] * (model == "B")


@pytest.mark.parametrize("model", ["B", "D", None])
def test_what_is_bought_of_products_without_output_is_said(model: Any) -> None:
    """Models of industries share by what is made, and lose it; so small a gap is no imbalance."""
    table = two_regions()
    table["V"], table["Y"] = 1e9 * table["V"], 1e9 * table["Y"]
    table["V"][:, 2] = 0.0
    table["Y"][2] = 1.0
    table["F"] = np.arange(1.0, 7)
    notes = cf.from_supply_use(**table, emissions_by="product", model=model).notes
    bought = table["U"][2].sum() + table["Y"][2].sum()
    said = f"Products without output are bought for {bought:g} M.EUR, emit 3 kt of CO2, which no "
    assert sum(note == f"{said}industry has." for note in notes) == (model == "D")


def test_tiles_made_a_few_blocks_at_a_time_are_those_of_the_matrix() -> None:
    """For regions of several blocks, of one, and of less, and for blocks that hold nothing."""
    rng = np.random.default_rng(1)
    sizes = {"DE": (200, 150), "FR": (40, 90), "IT": (9, 7), "ES": (130, 140)}
    industries, products = (
        [(region, f"{kind}{at}") for region, both in sizes.items() for at in range(both[which])]
        for which, kind in enumerate("ip")
    )
    V = sp.block_diag([rng.random(both) * (rng.random(both) < 0.1) for both in sizes.values()])
    U = sp.random_array((len(products), len(industries)), density=0.2, rng=rng).tolil()
    U[200:] = 0.0
    table = {"V": V, "U": U.tocsr(), "Y": np.ones(len(products)), "F": np.ones(len(industries)),
             "industries": industries, "products": products,
             "demand": [("DE", "all")], "stressors": "CO2"}  # fmt: skip
    with mock.patch.object(_pair, "AT_ONCE", 3000):
        pair = cf.from_supply_use(**table, model=None)
    found = pair.content.matrix.core
    _, starts = cut_blocks(pair.content.region_codes)
    expected = tiles_from(pair.A, starts, None, 1)
    for name in ("starts", "entries", "masks", "values"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name
    assert len(starts) == 7
