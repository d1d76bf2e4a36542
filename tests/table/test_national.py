"""A country and the world: footprints against inverses, what is conserved, what is said."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.references.national_reference import embodied, shares_by_cell

import carbonflows_fast as cf
from carbonflows_fast.errors import NotProductiveError

SEEDS = st.integers(0, 10_000)
GASES = ["CO2", "CH4"]


def country(seed: int, n: int = 3) -> dict[str, Any]:
    """Numbers of a country that imports, exports and exports again, which balance."""
    random = np.random.default_rng(seed)
    A = random.random((n, n))
    A *= 0.8 * random.random(n) / A.sum(axis=0)
    imported = random.random((n, n))
    Y, exports = random.random((n, 2)) * 9, random.random(n) * 5
    Ad = A * (1 - imported)
    x = np.linalg.inv(np.eye(n) - Ad) @ (Y.sum(axis=1) + exports)
    return {
        "Zd": Ad * x, "Zm": A * imported * x, "Yd": Y, "Ym": random.random((n, 2)), "e": exports,
        "onwards": random.random(n), "x": x, "F": random.random((2, n)) * 30,
        "F_Y": random.random((2, 2)), "names": [f"s{at}" for at in range(n)],
    }  # fmt: skip


def labels(c: dict[str, Any]) -> dict[str, Any]:
    return {"region": "LU", "stressors": GASES, "sectors": c["names"], "F_Y": c["F_Y"]}


def by_use(c: dict[str, Any], **changed: Any) -> cf.Table:
    """The table with imports by use, and exports as a column of Y."""
    given = {
        "Z": c["Zd"], "Y": np.column_stack([c["Yd"], c["e"]]), "F": c["F"], "exports": "sold",
        "imports": (c["Zm"], np.column_stack([c["Ym"], c["onwards"]])),
        "categories": ["homes", "state", "sold"], **labels(c),
    }  # fmt: skip
    return cf.national(**(given | changed))


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def assert_footprints(table: cf.Table, c: dict[str, Any], factors: Any = None) -> None:
    """Check what is emitted where, for consumers at home and for exports, by stressor."""
    home = embodied(c, c["Yd"].sum(axis=1), c["Ym"].sum(axis=1), factors)
    sold = embodied(c, c["e"], c["onwards"], factors)
    k = int(c["x"][0] * 1e6) % 2  # either gas, for half the time
    gas, direct = GASES[k], c["F_Y"][k].sum()
    flows, accounts = cf.flows(table, gas).matrix, cf.accounts(table, gas)
    close(flows["LU"], [home[0][k], home[1][k]])
    close(flows["RoW"], [sold[0][k], sold[1][k]])
    close(accounts.loc["LU", "production"], c["F"][k].sum() + direct)
    close(accounts.loc["LU", "consumption"], home[0][k] + home[1][k] + direct)
    close(accounts.loc["RoW", "consumption"], sold[0][k] + sold[1][k])


# --- footprints -----------------------------------------------------------------------------


@settings(max_examples=settings().max_examples // 3)
@given(SEEDS, st.integers(1, 4))
def test_domestic_technology(seed: int, n: int) -> None:
    c = country(seed, n)
    table = by_use(c)
    assert_footprints(table, c)
    exported = cf.accounts(table, "CO2", demand=("RoW", "sold"))["consumption"].sum()
    close(exported, sum(part[0] for part in embodied(c, c["e"], c["onwards"])))
    close(table.arrays.x[:n], c["x"])
    close(
        table.arrays.x[n:], table.Z.toarray()[n:].sum(axis=1) + table.Y.to_numpy()[n:].sum(axis=1)
    )
    assert np.array_equal(table.F.to_numpy()[:, :n], c["F"])


@settings(max_examples=settings().max_examples // 3)
@given(SEEDS)
def test_factors_of_all_imports(seed: int) -> None:
    c = country(seed)
    factors = np.random.default_rng(seed).random((2, 3))
    table = by_use(c, technology=factors)
    assert_footprints(table, c, dict(enumerate(factors.T)))
    imported = c["Zm"].sum(axis=1) + c["Ym"].sum(axis=1) + c["onwards"]
    for k, gas in enumerate(GASES):
        close(cf.accounts(table, gas).loc["RoW", "production"], factors[k] @ imported)


@settings(max_examples=settings().max_examples // 3)
@given(SEEDS)
def test_factors_of_some_imports(seed: int) -> None:
    c = country(seed)
    factor = np.random.default_rng(seed).random(2)
    assert_footprints(by_use(c, technology={"s1": factor}), c, {1: factor})
    every = {name: factor * at for at, name in enumerate(c["names"])}
    array = np.column_stack(list(every.values()))
    assert by_use(c, technology=every).equals(by_use(c, technology=array))


@settings(max_examples=settings().max_examples // 3)
@given(SEEDS)
def test_one_row_of_imports(seed: int) -> None:
    c = country(seed)
    table = by_use(
        c,
        imports=(c["Zm"].sum(axis=0), [*c["Ym"].sum(axis=0), c["onwards"].sum()]),
        technology=[[0.5], [0.25]],
    )
    assert table.rows[-1] == ("RoW", "imports")
    assert_footprints(table, c, dict.fromkeys(range(3), np.array([0.5, 0.25])))


@settings(max_examples=settings().max_examples // 3)
@given(SEEDS)
def test_without_imports_footprints_stop_at_the_border(seed: int) -> None:
    c = country(seed)
    table = by_use(c, imports=None)
    home = embodied(c, c["Yd"].sum(axis=1), c["Ym"].sum(axis=1))[0]
    close(cf.flows(table, "CO2").matrix.loc["LU", "LU"], home[0])
    assert table.regions == ("LU", "RoW")
    assert table.notes[-1] == (
        "Imports are not in the table: footprints count emissions in LU alone."
    )


# --- imports that the table contains --------------------------------------------------------


@settings(max_examples=settings().max_examples // 3)
@given(SEEDS, st.floats(0.1, 4.0))
def test_imports_are_shared_out(seed: int, size: float) -> None:
    """Also where more is imported than used, and has to be exported again."""
    c = country(seed)
    Z, Y, exports = c["Zd"] + c["Zm"], c["Yd"] + c["Ym"], c["e"][:, None]
    used = Z.sum(axis=1) + Y.sum(axis=1)
    imports = np.minimum(used * size * np.random.default_rng(seed).random(3), used + c["e"] * 0.9)
    Zm, Ym, onwards = shares_by_cell(Z, Y, exports, imports)
    x = used + c["e"] - imports
    shared = {**c, "Zd": Z - Zm, "Zm": Zm, "Yd": Y - Ym, "Ym": Ym, "e": c["e"] - onwards[:, 0],
              "onwards": onwards[:, 0], "x": x}  # fmt: skip
    factors = np.ones((2, 3))
    given = {"Z": Z, "F": c["F"], "technology": factors, **labels(c)}
    table = cf.national(Y=np.column_stack([Y, c["e"]]), imports=imports, exports="sold",
                        categories=["homes", "state", "sold"], **given)  # fmt: skip
    close(table.arrays.x[:3], x)
    assert_footprints(table, shared, dict(enumerate(factors.T)))
    again = cf.national(
        Y=np.column_stack([Y, c["e"], -imports]), imports="imports", exports=["sold"],
        categories=["homes", "state", "sold", "imports"], **given)  # fmt: skip
    assert again.equals(table)
    assert again.notes == table.notes
    beside = cf.national(
        Y=Y, imports=imports, exports=c["e"], categories=["homes", "state"], **given
    )
    assert beside.demand[-1] == ("RoW", "exports")
    assert np.array_equal(beside.Y, table.Y)
    more = np.count_nonzero(imports > used * (1 + 1e-9))
    assert ("exported again" in table.notes[1]) == (more > 0)


def test_rounded_imports_of_what_is_not_made() -> None:
    """Sums that leave 1e-16 of output make no product, whose inputs would be infinite."""
    Z, Y = np.zeros((2, 2)), [[0.1, 0.2], [1.0, 2.0]]
    table = cf.national(Z, Y, [0.0, 3.0], region="LU", imports=[0.3, 1.0], sectors=["oil", "rest"],
                        categories=["homes", "state"], stressors="CO2")  # fmt: skip
    assert table.arrays.x[0] == 0.0
    assert "Imports of oil" in table.notes[-1]


# --- what is said ---------------------------------------------------------------------------


def test_notes(caplog: pytest.LogCaptureFixture) -> None:
    c = country(0)
    assert by_use(c).notes == (
        "Exports of LU are final demand of the other region.",
        "RoW makes the imports, and what goes into them, with the inputs and emissions per unit of "
        "output of LU (domestic technology).",
    )
    assert by_use(c, technology={"s0": [1.0, 2.0]}).notes[1:] == (
        "1 of 3 imported products have given factors in RoW, which stand for their whole supply "
        "chain.",
        "RoW makes all others, and what goes into them, with the inputs and emissions per unit of "
        "output of LU (domestic technology).",
    )
    for name in ("Zd", "Yd"):
        c[name][0] = 0.0
    c["Zd"][:, 0] = c["Zm"][:, 0] = c["e"][0] = c["F"][:, 0] = 0.0
    with caplog.at_level(logging.WARNING):
        said = by_use(c).notes[-1]
    share = (c["Zm"][0].sum() + c["Ym"][0].sum() + c["onwards"][0]) / (
        c["Zm"].sum() + c["Ym"].sum() + c["onwards"].sum()
    )
    assert said == (
        f"Imports of s0 ({share:.1%} of all imports) have no emissions, since LU makes none of "
        "them: give factors with technology={product: factor}."
    )
    assert said in caplog.text
    assert "no emissions" not in by_use(c, technology={"s0": [1.0, 2.0]}).notes[-1]


def test_columns_may_be_named_in_any_sequence_and_a_pair_may_be_a_list() -> None:
    c = country(3)
    Y = pd.DataFrame(np.column_stack([c["Yd"], c["e"], -0.1 * c["e"]]), c["names"],
                     ["homes", "state", "sold", "bought"])  # fmt: skip
    parts = {"Z": c["Zd"], "Y": Y, "F": c["F"], "region": "LU", "stressors": GASES}
    one = cf.national(**parts, exports="sold", imports="bought")
    for kind in (list, tuple, set, np.array, pd.Index, pd.Series):
        exports, imports = (kind([name]) for name in ("sold", "bought"))
        assert cf.national(**parts, exports=exports, imports=imports).equals(one)
    parts["Y"] = Y[["homes", "state", "sold"]]
    pair = c["Zm"], np.column_stack([c["Ym"], c["onwards"]])
    by_pair, by_list = (
        cf.national(**parts, exports="sold", imports=kind(pair)) for kind in (tuple, list)
    )
    assert by_list.equals(by_pair)
    forgotten = cf.national(**parts, imports=pair)
    assert forgotten.notes[0] == (
        "No exports are given: all of Y (homes, state, sold) is final demand of LU itself."
    )


def test_output_that_is_not_what_is_sold_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """As where Z and Y were given with imports, though these are given by user too."""
    c = country(4)
    assert by_use(c, x=c["x"]).notes == by_use(c).notes
    with caplog.at_level(logging.WARNING):
        said = by_use(c, Z=c["Zd"] + c["Zm"], x=c["x"]).notes[1]
    gap = c["Zm"].sum(axis=1)
    most = int(gap.argmax())
    assert f"by {gap.sum() / (c['x'] + gap).sum():.2g} of all output, most at s{most} (" in said
    assert said in caplog.text


def test_labels_units_and_heads() -> None:
    c = country(1)
    names, categories = pd.Index(c["names"]), pd.Index(["homes", "state"])
    table = cf.national(
        pd.DataFrame(c["Zd"], names, names), pd.DataFrame(c["Yd"], names, categories),
        pd.DataFrame(c["F"], GASES, names), F_Y=pd.DataFrame(c["F_Y"], GASES, categories),
        imports=(pd.DataFrame(c["Zm"], names, names), pd.DataFrame(c["Ym"], names, categories)),
        exports=c["e"], x=c["x"], region="LUX", abroad="Imports", stressor_units="kt",
        row_units=["M.EUR", "M.EUR", "TJ"], extensions="air", population=0.6, year=2014,
        name="Luxembourg")  # fmt: skip
    assert table.regions == ("LUX", "Imports")
    assert table.rows.tolist() == [(r, s) for r in table.regions for s in names]
    assert table.demand.tolist() == [("LUX", "homes"), ("LUX", "state"), ("Imports", "exports")]
    assert table.row_units.tolist() == ["M.EUR", "M.EUR", "TJ"] * 2
    assert table.population is not None
    assert table.population["LUX"] == 0.6
    assert (table.year, table.name, table.stressor_units["CO2"]) == (2014, "Luxembourg", "kt")
    assert table.extensions == ("air", "air")
    assert not table.F_Y["Imports"].to_numpy().any()
    assert cf.check(table).ok


def test_sparse_numbers_and_dense_ones_give_the_same_table() -> None:
    import scipy.sparse as sp

    c = country(2)
    assert by_use(c, Z=sp.csr_array(c["Zd"])).equals(by_use(c))


def test_what_cannot_be_made_as_at_home() -> None:
    with pytest.raises(NotProductiveError):
        cf.national([[5.0]], [5.0], [1.0], region="LU", imports=([[5.0]], [1.0]),
                    sectors=["all"], stressors="CO2")  # fmt: skip


def test_any_question_can_be_asked(tmp_path: Any) -> None:
    table = by_use(country(3))
    cf.save(table, tmp_path / "table")
    kept = cf.open(tmp_path / "table", verify=True)
    assert kept.equals(table)
    assert kept.notes == table.notes
    assert cf.footprints(table, "CO2").D_imp_reg.shape[1] == 2
    assert cf.structural_paths(table, "CO2", top=5, demand="LU").to_frame().shape[0] == 5
