"""A sector divided into parts: what is conserved, what does not change, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from support.references.split_reference import divided_by_cell
from support.worlds.small_table import SENTENCE, replaced, small
from support.worlds.strategies import dense_inverse, tables

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError, LabelError

NAMES = ["part a", "part b", "part c"]


@st.composite
def share_maps(draw: Any, names: list[str]) -> dict[str, float]:
    """Shares of all parts, none of them 0."""
    weights = [draw(st.integers(1, 9)) for _ in names]
    return {name: weight / sum(weights) for name, weight in zip(names, weights, strict=True)}


@st.composite
def splits(draw: Any) -> tuple[cf.Table, dict[str, Any]]:
    """A table, and the arguments of a split of it."""
    table = draw(tables())
    sector = draw(st.sampled_from(table.sectors))
    having = [region for region, label in table.rows if label == sector]
    names = NAMES[: draw(st.integers(1, 3))]
    asked: dict[str, Any] = {"sector": sector, "shares": draw(share_maps(names))}
    asked["regions"] = draw(st.lists(st.sampled_from(having), min_size=1, unique=True))
    pairs = [*table.rows, *((region, None) for region in table.regions)]
    keys = {
        "rows": [None, *table.sectors, *table.categories, *pairs, *table.demand],
        "columns": [None, *table.sectors, *pairs],
        "emissions": [None, *table.stressors],
    }
    for argument, known in keys.items():
        if draw(st.booleans()):
            chosen = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True))
            asked[argument] = {key: draw(share_maps(names)) for key in chosen}
    return table, asked


def close(found: Any, expected: Any) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    scale = np.abs(expected).max(initial=1.0)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13 * scale)


# --- what holds for every split -------------------------------------------------------------


@given(splits())
def test_every_cell_has_its_share(made: tuple[cf.Table, dict[str, Any]]) -> None:
    table, asked = made
    rows, Z, Y, F = divided_by_cell(table, **asked)
    finer = table.split(**asked)
    assert list(finer.rows) == rows
    close(finer.Z.toarray(), Z)
    close(finer.Y, Y)
    close(finer.F, F)
    sold = finer.Z.toarray().sum(axis=1) + finer.Y.to_numpy().sum(axis=1)
    np.testing.assert_allclose(finer.x, sold, rtol=1e-8, atol=1e-8 * np.abs(sold).max())


@given(splits())
def test_aggregation_undoes_a_split(made: tuple[cf.Table, dict[str, Any]]) -> None:
    table, asked = made
    again = table.split(**asked).aggregate(sectors=dict.fromkeys(asked["shares"], asked["sector"]))
    same = table.aggregate()  # rows of one region next to each other, as `again` has them
    assert list(again.rows) == list(same.rows)
    assert list(again.demand) == list(same.demand)
    close(again.x, same.x)
    close(again.Z.toarray(), same.Z.toarray())
    for name in ("Y", "F", "F_Y"):
        close(getattr(again, name), getattr(same, name))
    pd.testing.assert_series_equal(again.row_units, same.row_units)


def by_consumer(table: cf.Table) -> Any:
    """S L Y per stressor and column of final demand, by the inverse."""
    return table.S.to_numpy() @ dense_inverse(table) @ table.Y.to_numpy()


@given(splits())
def test_equal_shares_change_no_footprint(made: tuple[cf.Table, dict[str, Any]]) -> None:
    table, asked = made
    asked = {name: asked[name] for name in ("sector", "shares", "regions")}
    finer = table.split(**asked)
    before, after = by_consumer(table), by_consumer(finer)
    np.testing.assert_allclose(after, before, rtol=1e-8, atol=1e-8 * np.abs(before).max())
    # The multipliers of a part are those of the sector, if they have output.
    whole = table.S.to_numpy() @ dense_inverse(table)
    parts = finer.S.to_numpy() @ dense_inverse(finer)
    at = {row: place for place, row in enumerate(table.rows)}
    for place, (region, label) in enumerate(finer.rows):
        came = (region, asked["sector"] if label in asked["shares"] else label)
        if table.x.iloc[at[came]] == 0:
            continue
        np.testing.assert_allclose(parts[:, place], whole[:, at[came]], rtol=1e-7, atol=1e-8)


@given(splits())
def test_a_dense_and_a_sparse_matrix_give_the_same_bits(
    made: tuple[cf.Table, dict[str, Any]],
) -> None:
    table, asked = made
    Z = table.Z.toarray()
    rest = {
        "Y": table.Y, "F": table.F, "x": table.x, "stressors": list(table.stressors),
        "population": table.population, "year": table.year,
    }  # fmt: skip
    dense, sparse, columns = (
        cf.Table(Z=given, **rest).split(**asked)
        for given in (pd.DataFrame(Z, table.rows, table.rows), sp.csr_array(Z), sp.csc_array(Z))
    )
    assert dense.content.form == "dense"
    assert sparse.content.form == "sparse"
    assert dense.equals(sparse)
    assert dense.equals(columns)


@given(splits(), st.randoms())
def test_the_order_of_parts_is_that_of_their_names(
    made: tuple[cf.Table, dict[str, Any]], random: Any
) -> None:
    """Shares are read by name, in any order, from mappings or Series."""
    table, asked = made

    def shuffled(shares: dict[str, float]) -> pd.Series:
        return pd.Series(shares).loc[random.sample(list(shares), len(shares))]

    other = dict(asked)
    for argument in ("rows", "columns", "emissions"):
        if argument in other:
            other[argument] = {key: shuffled(one) for key, one in asked[argument].items()}
    assert table.split(**asked).equals(table.split(**other))


# --- examples -------------------------------------------------------------------------------


def test_an_example_by_hand() -> None:
    table = cf.Table(**small())
    shares = {"hard": 0.25, "lignite": 0.75}
    finer = table.split(
        "coal", shares, regions="Germany",
        rows={"coal": {"hard": 1.0, "lignite": 0.0}, ("NA", "coal"): {"hard": 0.5, "lignite": 0.5}},
        columns={"hard": 0.5, "lignite": 0.5}, emissions={"CH4": {"hard": 0.2, "lignite": 0.8}},
    )  # fmt: skip
    assert list(finer.rows)[:3] == [("DE", "hard"), ("DE", "lignite"), ("DE", "steel")]
    assert finer.Z.toarray()[:3].tolist() == [
        [0.5, 0.5, 0.5, 1.5, 1.0],
        [0.0, 0.0, 1.5, 1.5, 3.0],
        [2.5, 2.5, 6.0, 7.0, 8.0],
    ]
    assert finer.Y.to_numpy()[:2].tolist() == [[2.5, 0.25, 0.5, 0.75], [7.5, 0.75, 1.5, 2.25]]
    assert finer.F.to_numpy().tolist() == [[0.25, 0.75, 2, 3, 4], [1.0, 4.0, 6, 7, 8]]
    assert finer.x.tolist()[:2] == [8.0, 18.0]
    assert finer.sectors == ("hard", "lignite", "steel", "coal")
    assert (finer.year, finer.name, finer.population["DE"]) == (2009, "small", 80.0)


def test_one_several_and_all_regions() -> None:
    table = cf.Table(**small())
    parts = {"coal": 0.5, "peat": 0.5}  # a part may keep the name
    for regions, count in (("DE", 5), ("Namibia", 5), (["DE", "Namibia"], 6), (None, 6)):
        assert table.split("coal", parts, regions=regions).n == count
    twice = table.split("coal", parts, regions="DE").split("steel", {"a": 1.0}, regions="NA")
    assert list(twice.rows) == [
        ("DE", "coal"), ("DE", "peat"), ("DE", "steel"), ("NA", "coal"), ("NA", "a")
    ]  # fmt: skip


def test_country_names_and_groups_as_keys() -> None:
    table = cf.Table(**small())
    own = {"a": 0.9, "b": 0.1}
    for key in ("Germany", "EU27", "deu"):
        named, same = (
            table.split("coal", HALVES, rows={(one, None): own}, columns={(one, "steel"): own})
            for one in (key, "DE")
        )
        assert named.equals(same)
    assert not same.equals(table.split("coal", HALVES))


def test_a_part_without_anything_is_empty() -> None:
    finer = cf.Table(**small()).split("coal", {"all": 1.0, "none": 0.0})
    empty = [at for at, row in enumerate(finer.rows) if row[1] == "none"]
    assert len(empty) == 2
    assert finer.x.iloc[empty].tolist() == [0.0, 0.0]
    assert finer.Z[:, empty].nnz == finer.Z[empty].nnz == 0


def test_a_row_that_does_not_balance_is_divided_by_its_sales() -> None:
    x = [40.0, 50.0, 10.0, 1.0]  # of 26 sold by the first
    finer = cf.Table(**small(x=x)).split(
        "coal", {"a": 0.5, "b": 0.5}, regions="DE", rows={"a": 0.25, "b": 0.75}
    )
    assert finer.x.tolist() == [10.0, 30.0, 50.0, 10.0, 1.0]


def test_a_table_of_coefficients_is_solved_first() -> None:
    table = cf.Table(A=[[0.5]], Y=[50.0], S=[0.2], regions="CA", sectors=["all"], stressors="CO2")
    finer = table.split("all", {"a": 0.25, "b": 0.75})
    np.testing.assert_allclose(finer.x, [25.0, 75.0])
    np.testing.assert_allclose(finer.F, [[5.0, 15.0]])


HALVES = {"a": 0.5, "b": 0.5}


@pytest.mark.parametrize(
    ("asked", "error", "match"),
    [
        ({"sector": "coke"}, LabelError, r"sector: .*'coke'; nearest"),
        ({"sector": 5}, LabelError, r"sector: .*got 5"),
        ({"regions": "DEX"}, LabelError, r"regions: .*'DEX'"),
        ({"sector": "peat", "regions": "DE"}, LabelError, r"regions: .*has 'peat', got 'DE'.*'NA'"),
        ({"shares": [0.5, 0.5]}, InputError, r"shares: .*mapping.*\[0.5, 0.5\]"),
        ({"shares": {}}, InputError, r"shares: .*mapping.*\{\}"),
        ({"shares": {"a": 0.5, "b": 0.4}}, InputError, r"shares: .*add up to 1, got a sum of 0.9"),
        ({"shares": {"a": 1.5, "b": -0.5}}, InputError, r"shares: .*0 or more, got -0.5 for 'b'"),
        ({"shares": {"a": np.nan, "b": 1}}, InputError, r"shares: .*got nan for 'a'"),
        ({"shares": {"a": "half", "b": 0.5}}, InputError, r"shares: .*got 'half' for 'a'"),
        ({"shares": {"steel": 0.5, "b": 0.5}}, LabelError, r"shares: .*no other.*'steel'"),
        ({"shares": {1: 0.5, "1": 0.5}}, LabelError, r"shares: .*got '1'"),
        ({"shares": {" ": 1.0}}, LabelError, r"shares: .*text"),
        ({"rows": {"a": 0.5, "c": 0.5}}, LabelError, r"rows: .*'a', 'b', got 'a', 'c'"),
        ({"rows": {"coal": 0.5, "steel": HALVES}}, InputError, r"rows: .*mapping.*got 0.5"),
        ({"rows": {"homes": HALVES}}, LabelError, r"rows: .*final demand.*'homes'; nearest"),
        ({"rows": {("NA", "peal"): HALVES}}, LabelError, r"rows: .*'peal'"),
        ({"rows": {pd.NA: HALVES}}, LabelError, r"rows: .*got <NA>"),
        ({"rows": {("XX", "coal"): HALVES}}, LabelError, r"rows: .*'XX'"),
        ({"rows": {("DE", "peat"): HALVES}}, LabelError, r"rows: .*'peat', got 'DE'; .*'NA'"),
        ({"columns": {"households": HALVES}}, LabelError, r"columns: .*'households'"),
        ({"emissions": {3: HALVES}}, LabelError, r"emissions: .*got 3"),
        ({"emissions": {"CO": HALVES}}, LabelError, r"emissions: .*stressor.*'CO'; nearest"),
        ({"shares": {"a": 1, "b": 0}, "columns": HALVES}, InputError, r"shares: .*'b' of DE with"),
        ({"rows": {"a": 1, "b": 0}}, InputError, r"rows: .*'b' of DE without output"),
    ],
)  # fmt: skip
def test_refused(asked: dict[str, Any], error: type[Exception], match: str) -> None:
    table = cf.Table(**small(sectors=["coal", "steel", "coal", "peat"]))
    with pytest.raises(error, match=match) as caught:
        table.split(**({"sector": "coal", "shares": HALVES} | asked))
    assert SENTENCE.match(str(caught.value)), str(caught.value)


def test_a_sector_without_output_may_have_inputs() -> None:
    """As in the table before: A has no column of it, in whole or in parts."""
    Y = replaced(small()["Y"], (3, 0), 0.0)
    finer = cf.Table(**small(Y=Y)).split("steel", HALVES, regions="NA")
    assert finer.x.tolist()[-2:] == [0.0, 0.0]
    assert finer.Z.toarray()[:, -1].tolist() == [2.0, 4.0, 0.0, 0.0, 0.0]
