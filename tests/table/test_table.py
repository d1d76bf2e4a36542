"""The table: what it keeps, and that it keeps it."""

from __future__ import annotations

import contextlib
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from support.worlds.small_table import (
    small,
)
from support.worlds.strategies import labelled, seeds, table_arguments, tables

from carbonflows_fast._base.arrays import row_sums
from carbonflows_fast.table import Table

# --- properties -----------------------------------------------------------------------------


@given(table_arguments())
def test_a_table_holds_what_it_was_given(arguments: dict[str, Any]) -> None:
    table = Table(**arguments)
    assert list(table.rows) == list(zip(arguments["regions"], arguments["sectors"], strict=True))
    assert list(table.demand) == arguments["demand"]
    np.testing.assert_array_equal(table.Y.to_numpy(), arguments["Y"])
    for name in ("F", "S", "F_Y", "x"):
        if name in arguments:
            np.testing.assert_array_equal(getattr(table, name).to_numpy(), arguments[name])
    for name in ("Z", "A"):
        if name in arguments:
            given_matrix = arguments[name]
            dense = given_matrix.toarray() if sp.issparse(given_matrix) else given_matrix
            np.testing.assert_array_equal(getattr(table, name).toarray(), dense)
    assert table.regions == tuple(dict.fromkeys(arguments["regions"]))
    assert table.n == len(arguments["regions"])


@given(tables())
def test_definitions(table: Table) -> None:
    A, Z, x, S, F = (
        table.A.toarray(),
        table.Z.toarray(),
        *map(np.asarray, (table.x, table.S, table.F)),
    )
    np.testing.assert_allclose(A * x, Z, rtol=1e-14)
    np.testing.assert_allclose(S * x, F, rtol=1e-14)
    assert not A[:, x == 0].any()
    assert np.all(table.A.data != 0)
    assert np.all(table.Z.data != 0)
    np.testing.assert_allclose(
        Z.sum(axis=1) + table.Y.to_numpy().sum(axis=1), x, rtol=1e-9, atol=1e-9
    )


@given(tables())
def test_given_A_equals_given_Z(table: Table) -> None:
    again = Table(
        A=table.A,
        Y=table.Y,
        F=table.F,
        x=table.x,
        F_Y=table.F_Y,
        extensions=table.extensions,
        stressor_units=table.stressor_units,
        row_units=table.row_units,
        population=table.population,
        year=table.year,
        name=table.name,
    )
    from_Z = Table(
        Z=table.Z,
        Y=table.Y,
        F=table.F,
        x=table.x,
        F_Y=table.F_Y,
        extensions=table.extensions,
        stressor_units=table.stressor_units,
        row_units=table.row_units,
        population=table.population,
        year=table.year,
        name=table.name,
    )
    if table.content.kind == "Z":
        assert again.equals(from_Z)
        assert again.A.data.tobytes() == table.A.data.tobytes()
    if table.content.emissions_kind == "F":
        assert again.equals(table)
    assert again.content.demand_codes.tolist() == table.content.demand_codes.tolist()


@given(table_arguments())
def test_the_form_of_the_matrix_does_not_matter(arguments: dict[str, Any]) -> None:
    name = "Z" if "Z" in arguments else "A"
    first = Table(**arguments)
    dense = getattr(first, name).toarray()
    for form in (
        np.ascontiguousarray,
        np.asfortranarray,
        sp.csr_array,
        sp.csc_array,
        sp.coo_array,
        sp.lil_matrix,
        lambda Z: Z.tolist(),
    ):
        other = Table(**(arguments | {name: form(dense), "Y": np.asfortranarray(arguments["Y"])}))
        assert other.equals(first)
        assert first.equals(other)


@given(table_arguments())
def test_labels_may_come_from_dataframes(arguments: dict[str, Any]) -> None:
    table, other = Table(**arguments), Table(**labelled(arguments))
    assert other.equals(table)
    both = labelled(arguments) | {
        name: arguments[name] for name in ("regions", "sectors", "demand", "stressors")
    }
    assert Table(**both).equals(table)


@given(tables())
def test_pickle_round_trip(table: Table) -> None:
    again = pickle.loads(pickle.dumps(table))
    assert again.equals(table)
    assert not again.content.Y.flags.writeable
    assert not again.content.region_codes.flags.writeable
    matrix = again.content.matrix
    assert not (matrix if isinstance(matrix, np.ndarray) else matrix.data).flags.writeable


@given(table_arguments(), st.data())
def test_equals_finds_any_single_changed_number(arguments: dict[str, Any], data: Any) -> None:
    table = Table(**(arguments | {"x": Table(**arguments).x.to_numpy()}))
    assert table.equals(Table(**(arguments | {"x": table.x.to_numpy()})))
    name = data.draw(
        st.sampled_from(
            [n for n in ("Z", "A", "Y", "F", "S", "F_Y", "x") if n in {*arguments, "x"}]
        )
    )
    value = table.x.to_numpy() if name == "x" else arguments[name]
    changed = (value.toarray() if sp.issparse(value) else np.array(value)).astype(float)
    position = tuple(data.draw(st.integers(0, size - 1)) for size in changed.shape)
    before = changed[position]
    changed[position] = np.nextafter(before, np.inf)
    if name == "Z" and (table.x.iloc[position[1]] == 0 or before == 0):
        return  # A is compared, where this cannot be seen
    other = Table(**(arguments | {"x": table.x.to_numpy(), name: changed}))
    if name == "Z" and other.A.data.tobytes() == table.A.data.tobytes():
        return  # two neighbouring numbers may have one quotient
    assert not other.equals(table)
    assert not table.equals(other)


@pytest.mark.parametrize(
    "change",
    [
        {
            "regions": ["DE", "DE", "FR", "FR"],
            "demand": [
                ("DE", "households"),
                ("DE", "inventories"),
                ("FR", "households"),
                ("FR", "inventories"),
            ],
            "population": {"DE": 80.0, "FR": 3.0},
        },
        {"sectors": ["coal", "steel", "coal", "Steel"]},
        {"demand": [(r, c) for r in ("DE", "NA") for c in ("households", "x")]},
        {"demand": [("NA", "households"), *small()["demand"][1:]]},
        {"stressors": ["CO2", "N2O"]},
        {"stressor_units": ["kt", "kt"]},
        {"extensions": ["emissions", "air"]},
        {"row_units": ["M.EUR", "M.EUR", "M.EUR", "t"]},
        {"population": {"DE": 81.0, "NA": 3.0}},
        {"population": {"DE": 80.0}},
        {"population": None},
        {"year": 2010},
        {"name": "Small"},
        {"F_Y": np.eye(4)[:2]},
        {"F": None, "S": Table(**small()).S.to_numpy()},
    ],
)
def test_equals_finds_any_changed_label(change: dict[str, Any]) -> None:
    table, other = Table(**small()), Table(**small(**change))
    assert not table.equals(other)
    assert not other.equals(table)
    assert other.equals(Table(**small(**change)))
    assert not table.equals("a table")


def test_equals_takes_unknown_population_and_no_direct_emissions_as_equal() -> None:
    unknown = {"population": {"DE": 80.0}}
    assert Table(**small(**unknown)).equals(Table(**small(**unknown)))
    assert Table(**small()).equals(Table(**small(F_Y=np.zeros((2, 4)))))
    assert not Table(**small(Y=small()["Y"] * 0)).equals(Table(**small()))


# --- memory and immutability ----------------------------------------------------------------


@pytest.mark.parametrize("form", [np.ascontiguousarray, np.asfortranarray])
def test_dense_arrays_are_viewed(form: Any) -> None:
    arguments = small(Z=form(small()["Z"]))
    table = Table(**arguments)
    for name, held in [
        ("Z", table.content.matrix),
        ("Y", table.content.Y),
        ("F", table.content.emissions),
        ("Y", table.Y.to_numpy()),
        ("F", table.F.to_numpy()),
    ]:
        assert np.shares_memory(arguments[name], held)
        assert not held.flags.writeable
        assert arguments[name].flags.writeable
    assert np.shares_memory(table.x.to_numpy(), table.content.x)
    assert (
        table.Y.to_numpy().__array_interface__["data"]
        == table.content.Y.__array_interface__["data"]
    )


@pytest.mark.parametrize("form", [sp.csr_array, sp.csc_array, sp.csr_matrix])
def test_sparse_arrays_are_viewed(form: Any) -> None:
    Z = form(small()["Z"])
    held = Table(**small(Z=Z)).content.matrix
    assert held.format == Z.format
    for name in ("data", "indices", "indptr"):
        assert np.shares_memory(getattr(Z, name), getattr(held, name))
        assert not getattr(held, name).flags.writeable
        assert getattr(Z, name).flags.writeable


def test_sparse_duplicates_are_added_on_a_copy() -> None:
    dense = small()["Z"]
    rows, columns = np.nonzero(dense)
    data = dense[rows, columns]
    halves = sp.csr_array(
        (
            np.repeat(data / 2, 2),
            np.repeat(columns, 2)[::1],
            2 * np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=4))]),
        ),
        shape=(4, 4),
    )
    stored = halves.nnz
    table = Table(**small(Z=halves))
    assert halves.nnz == stored
    assert table.equals(Table(**small()))
    assert table.content.matrix.has_canonical_format


def test_other_types_are_converted() -> None:
    integers = small(Z=small()["Z"].astype(int), Y=small()["Y"].astype(np.float32).tolist())
    assert Table(**integers).equals(Table(**small()))
    objects = small(Z=small()["Z"].astype(object))
    assert Table(**objects).equals(Table(**small()))


def test_a_table_cannot_be_changed() -> None:
    table = Table(**small())
    for name in ("year", "x", "_parts", "anything"):
        with pytest.raises(AttributeError, match=r"immutable.*with_changes"):
            setattr(table, name, 1)
    with pytest.raises(AttributeError, match="immutable"):
        del table.year
    frame = table.Y
    with contextlib.suppress(ValueError):  # pandas 2 refuses, pandas 3 changes a copy
        frame.iloc[0, 0] = -99.0
    frame[("NA", "new")] = 0.0
    assert table.Y.iloc[0, 0] == 10.0
    assert table.Y.shape == (4, 4)
    rows = table.rows
    rows.names = ["a", "b"]
    assert list(table.rows.names) == ["region", "sector"]
    assert list(table.Y.index.names) == ["region", "sector"]
    matrix = table.A
    with pytest.raises(ValueError, match="read-only"):
        matrix.data[0] = 9.0
    matrix.data = matrix.data * 2
    assert table.A.data[0] * 2 == matrix.data[0]


def test_frames_are_labelled() -> None:
    table = Table(**small())
    assert list(table.Y.columns.names) == ["region", "category"]
    assert list(table.F.columns.names) == ["region", "sector"]
    assert table.S.index.name == "stressor"
    assert table.x.loc["NA", "coal"] == 4.0
    assert table.stressor_units.to_dict() == {"CO2": "kt", "CH4": "t"}
    assert set(table.row_units) == {"M.EUR"}
    assert table.population.to_dict() == {"DE": 80.0, "NA": 3.0}
    assert table.F_Y.to_numpy().tolist() == [[0.0] * 4] * 2
    assert table.extensions == ("emissions", "emissions")
    assert table.categories == ("households", "inventories")
    assert Table(**small(population=None)).population is None


def test_repr_says_what_it_is() -> None:
    assert repr(Table(**small())) == (
        "Table('small', 2009, 2 regions, 2 sectors, 4 rows, 2 stressors (CO2, CH4), "
        "4 demand columns, Z dense)"
    )
    assert "Z sparse" in repr(Table(**small(Z=sp.csr_array(small()["Z"]))))


def test_short_forms() -> None:
    table = Table(Z=[[1.0]], Y=[9.0], F=[2.0], regions="DE", sectors=["all"], stressors="CO2")
    assert list(table.demand) == [("DE", "final demand")]
    assert table.F.shape == (1, 1)
    by_region = pd.DataFrame(np.ones((4, 2)), columns=["DE", "NA"])
    named = Table(**small(Y=by_region, demand=None))
    assert list(named.demand) == [("DE", "final demand"), ("NA", "final demand")]
    numbered = Table(**small(sectors=[1, 2, 1, 2]))
    assert numbered.rows[0] == ("DE", "1")
    levels = pd.MultiIndex.from_tuples([("CO2", "air"), ("CO2", "water")])
    joined = Table(**small(F=pd.DataFrame(small()["F"], index=levels), stressors=None))
    assert joined.stressors == ("CO2 | air", "CO2 | water")


def test_no_stressor_and_duplicate_rows_are_allowed() -> None:
    bare = Table(**small(F=np.zeros((0, 4)), stressors=[], stressor_units=None))
    assert bare.F.shape == (0, 4)
    twice = Table(**small(sectors=["coal", "coal", "coal", "coal"]))
    assert twice.n == 4
    assert twice.sectors == ("coal",)


@given(seeds(), st.integers(1, 6), st.integers(0, 6))
def test_row_sums_do_not_depend_on_the_form(rng: np.random.Generator, n: int, m: int) -> None:
    matrix = rng.normal(size=(n, m)) * (rng.random((n, m)) < 0.5)
    sums = [
        row_sums(form(matrix))
        for form in (np.asarray, np.asfortranarray, sp.csr_array, sp.csc_array)
    ]
    assert len({s.tobytes() for s in sums}) == 1
    np.testing.assert_allclose(sums[0], matrix.sum(axis=1), atol=1e-14)


def test_row_sums_go_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = np.random.default_rng(1).normal(size=(7, 5))
    whole = row_sums(matrix)
    monkeypatch.setattr("carbonflows_fast._base.arrays.BLOCK_ENTRIES", 3)
    for form in (np.asarray, sp.csr_array, sp.csc_array):
        assert row_sums(form(matrix)).tobytes() == whole.tobytes()
    assert Table(**small()).A.shape == (4, 4)
