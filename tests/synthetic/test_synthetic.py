"""The synthetic world: invented, but shaped like a real table, and the same for everyone."""

from __future__ import annotations

import hashlib
import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from carbonflows_fast import classification, synthetic
from carbonflows_fast.errors import InputError, LabelError
from carbonflows_fast.synthetic import _recipe as recipe
from carbonflows_fast.table import Table


@pytest.fixture(scope="module")
def table() -> Table:
    """A world of 20 regions and all 200 products."""
    return synthetic.world(20, 200)


def column_sums(table: Table) -> Any:
    return np.asarray(table.A.sum(axis=0)).ravel()


def is_domestic(table: Table) -> Any:
    """Return for each stored entry of Z whether seller and buyer share a region."""
    Z, region = table.Z, table.content.region_codes
    seller = np.repeat(np.arange(table.n), np.diff(Z.indptr))
    return region[seller] == region[Z.indices]


def digest(table: Table) -> str:
    Z, sha = table.Z, hashlib.sha256()
    frames = (table.Y, table.F, table.F_Y, table.x, table.population)
    for array in (Z.indptr, Z.indices, Z.data, *(np.ascontiguousarray(f) for f in frames)):
        sha.update(array.tobytes())
    return sha.hexdigest()


# --- labels ---------------------------------------------------------------------------------


def test_labels_are_exiobase_s_and_the_name_says_that_numbers_are_invented() -> None:
    table = synthetic.world(49, 3, stressors=3)
    assert table.regions[:3] == ("AT", "BE", "BG")
    assert table.regions[-1] == "WM"
    assert table.rows[1] == ("AT", "Wheat")
    assert table.rows[3] == ("BE", "Paddy rice")
    assert table.demand[7] == ("BE", "Final consumption expenditure by households")
    assert len(table.categories) == 7
    assert table.stressors == ("CO2", "stressor 2", "stressor 3")
    assert set(table.stressor_units) == {"kt"}
    assert set(table.row_units) == {"M.EUR"}
    assert (table.year, table.name) == (2019, "synthetic world (invented numbers)")
    assert "invented" in (synthetic.world.__doc__ or "")


def test_labels_beyond_exiobase_s_are_generated() -> None:
    assert synthetic.world(51, 1).regions[48:] == ("WM", "R050", "R051")
    sectors = synthetic.world(1, 202).rows.get_level_values("sector")
    assert list(sectors[199:]) == [
        "Extra-territorial organizations and bodies",
        "Product 201",
        "Product 202",
    ]


def test_classifications_are_complete_and_each_code_and_name_is_there_once() -> None:
    for name, size in (("exiobase3_regions", 49), ("exiobase3_pxp", 200)):
        frame = classification.load(name)
        assert list(frame.columns)[:2] == ["code", "name"]
        assert len(frame) == size
        assert frame["code"].is_unique
        assert frame["name"].is_unique
        assert name in classification.available()
    with pytest.raises(LabelError, match=r"name: expected one of \d+ .* nearest are 'exiobase3"):
        classification.load("exiobase")


def test_kinds_fall_on_the_right_products() -> None:
    names = recipe.product_names(200)
    products = recipe.products(200)
    kinds = list(recipe._KINDS)
    for product, kind in (
        ("Paddy rice", "agriculture"),
        ("Anthracite", "fossil"),
        ("Iron ores", "ores"),
        ("Tobacco products (16)", "food"),
        ("Wearing apparel; furs (18)", "light goods"),
        ("Nuclear fuel", "fuels"),
        ("Cement, lime and plaster", "chemicals"),
        ("Foundry work services", "metals"),
        ("Motor vehicles, trailers and semi-trailers (34)", "machinery"),
        ("Steam and hot water supply services", "energy"),
        ("Construction work (45)", "building"),
        ("Air transport services (62)", "trade and transport"),
        ("Real estate services (70)", "services"),
        ("Wood waste for treatment: landfill", "waste"),
        ("Other services (93)", "services"),
    ):
        assert kinds[products.kind[names.index(product)]] == kind, product
    dirtiest = names[int(np.argmax(products.intensity))]
    assert dirtiest == "Electricity by coal"
    assert products.intensity[names.index("Electricity by wind")] == 0
    longer = recipe.products(205)
    assert list(longer.kind[200:]) == list(products.kind[:5])


# --- the same for everyone ------------------------------------------------------------------


def test_a_seed_gives_the_same_bits_and_another_seed_another_world() -> None:
    first = synthetic.world(4, 30, stressors=2, seed=7)
    again = synthetic.world(4, 30, stressors=2, seed=7)
    assert first.equals(again)
    assert digest(first) == digest(again)
    assert digest(first) != digest(synthetic.world(4, 30, stressors=2, seed=8))


def test_more_stressors_change_nothing_else() -> None:
    one, three = synthetic.world(3, 20), synthetic.world(3, 20, stressors=3)
    assert np.array_equal(one.Z.toarray(), three.Z.toarray())
    assert np.array_equal(one.F.loc["CO2"], three.F.loc["CO2"])
    assert not np.allclose(three.S.loc["CO2"], three.S.loc["stressor 2"])


def test_numbers_do_not_depend_on_the_callers_random_state() -> None:
    np.random.seed(1)  # noqa: NPY002 - the global state is what is tested
    first = digest(synthetic.world(2, 10))
    np.random.seed(2)  # noqa: NPY002
    assert digest(synthetic.world(2, 10)) == first


def test_vector_instructions_change_no_bit() -> None:
    # NumPy without the kernels that it would choose for this processor.
    core = importlib.import_module("numpy._core._multiarray_umath")
    disabled = [name for name in core.__cpu_dispatch__ if core.__cpu_features__[name]]
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_synthetic import digest, synthetic\n"
        "print(digest(synthetic.world(4, 50, stressors=2, year=1995)))"
    )
    plain = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(disabled)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert plain.stdout.strip() == digest(synthetic.world(4, 50, stressors=2, year=1995))


# --- structure ------------------------------------------------------------------------------


def test_balances_exactly_and_every_number_is_finite(table: Table) -> None:
    delivered = np.asarray(table.Z.sum(axis=1)).ravel() + table.Y.to_numpy().sum(axis=1)
    np.testing.assert_allclose(table.x.to_numpy(), delivered, rtol=1e-13)
    for frame in (table.x, table.Y, table.F, table.F_Y, table.population):
        assert np.isfinite(frame.to_numpy()).all()
    assert (table.population > 0).all()


@pytest.mark.parametrize(
    ("regions", "sectors", "density"),
    [(49, 40, 0.32), (1, 200, 0.32), (5, 60, 0.1), (5, 60, 0.32), (5, 60, 0.6), (30, 20, 0.6)],
)
def test_density_is_what_was_asked_for(regions: int, sectors: int, density: float) -> None:
    table = synthetic.world(regions, sectors, density=density)
    assert table.Z.nnz / table.n**2 == pytest.approx(density, abs=0.02)


def test_domestic_blocks_are_dense_and_hold_two_thirds_of_the_inputs(table: Table) -> None:
    domestic = is_domestic(table)
    cells = table.n**2 / len(table.regions)
    assert domestic.sum() / cells > 0.7
    assert (~domestic).sum() / (table.n**2 - cells) < 0.35
    imported = table.Z.data[~domestic].sum() / table.Z.data.sum()
    assert imported == pytest.approx(1 / 3, abs=0.05)


def test_column_sums_and_spectral_radius(table: Table) -> None:
    sums, active = column_sums(table), table.x.to_numpy() > 0
    assert sums[active].min() > 0.2
    assert sums[active].max() < 0.85
    assert sums[active].mean() == pytest.approx(0.51, abs=0.01)
    v = np.ones(table.n)
    for _ in range(100):
        v = table.A @ (v / np.linalg.norm(v))
    assert 0.3 < np.linalg.norm(v) < 0.9


def test_sectors_without_output_neither_sell_nor_buy_nor_emit(table: Table) -> None:
    zero = table.x.to_numpy() == 0
    assert zero.mean() == pytest.approx(0.04, abs=0.01)
    Z = table.Z
    assert np.diff(Z.indptr)[zero].sum() == 0
    assert not zero[Z.indices].any()
    assert not table.Y.to_numpy()[zero].any()
    assert not table.F.to_numpy()[:, zero].any()
    assert (table.x.to_numpy()[~zero] > 0).all()


def test_only_inventory_changes_are_negative(table: Table) -> None:
    Y = table.Y
    inventories = Y.columns.get_level_values("category") == "Changes in inventories"
    assert (Y.loc[:, inventories].to_numpy() < 0).any()
    assert (Y.loc[:, inventories].to_numpy() > 0).any()
    assert (Y.loc[:, ~inventories].to_numpy() >= 0).all()
    assert (table.Z.data > 0).all()
    exports = Y.columns.get_level_values("category") == "Exports: Total (fob)"
    assert not Y.loc[:, exports].to_numpy().any()


def test_sizes_are_skewed_and_a_few_sectors_emit_most(table: Table) -> None:
    x = table.x.groupby(level="region").sum().to_numpy()
    assert x.max() / np.median(x) > 4
    F = table.F.T.groupby(level="sector").sum()["CO2"].sort_values(ascending=False)
    assert F.iloc[:20].sum() / F.sum() > 0.5
    assert F.index[:20].str.contains("Electricity").any()
    assert (table.F.to_numpy() >= 0).all()


def test_households_alone_emit_directly(table: Table) -> None:
    F_Y = table.F_Y
    households = F_Y.columns.get_level_values("category") == table.categories[0]
    assert (F_Y.loc[:, households].to_numpy() > 0).all()
    assert not F_Y.loc[:, ~households].to_numpy().any()
    share = F_Y.to_numpy().sum() / (F_Y.to_numpy().sum() + table.F.to_numpy().sum())
    assert 0.05 < share < 0.3


# --- years ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def years() -> dict[int, Table]:
    return {year: synthetic.world(8, 60, year=year) for year in (1995, 2018, 2019, 2020, 2050)}


def test_years_share_labels_places_and_zero_sectors(years: dict[int, Table]) -> None:
    base = years[2019]
    for year, other in years.items():
        assert other.year == year
        assert other.rows.equals(base.rows)
        assert other.demand.equals(base.demand)
        assert np.array_equal(other.Z.indptr, base.Z.indptr)
        assert np.array_equal(other.Z.indices, base.Z.indices)
        assert np.array_equal(np.sign(other.Y), np.sign(base.Y))
        assert np.array_equal(other.F != 0, base.F != 0)
        assert np.array_equal(other.x == 0, base.x == 0)
        sums = column_sums(other)[other.x.to_numpy() > 0]
        assert sums.min() > 0.2
        assert sums.max() < 0.85


def test_intensities_fall_by_about_two_per_cent_a_year(years: dict[int, Table]) -> None:
    some = years[2019].S.loc["CO2"] > 0
    ratio = years[2020].S.loc["CO2"][some] / years[2019].S.loc["CO2"][some]
    assert ratio.mean() == pytest.approx(0.98, abs=0.003)
    assert ratio.std() > 0.003
    assert ratio.between(0.95, 1.0).all()


def test_technology_trade_and_demand_drift_smoothly(years: dict[int, Table]) -> None:
    before, base, after = (years[year] for year in (2018, 2019, 2020))
    change = after.A.data / base.A.data - 1
    assert np.abs(change).max() < 0.1
    assert np.abs(change).mean() > 1e-3
    # No jump: a year is close to the geometric mean of its neighbours, but for limits reached.
    np.testing.assert_allclose(before.A.data * after.A.data, base.A.data**2, rtol=0.02)
    growth = after.Y.to_numpy().sum() / base.Y.to_numpy().sum()
    assert 1.0 < growth < 1.05
    shares = [t.Z.data[~is_domestic(t)].sum() / t.Z.data.sum() for t in (years[1995], base)]
    assert shares[0] < shares[1] < shares[0] + 0.15


# --- sizes and errors -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("regions", "sectors"), [(1, 1), (1, 2), (2, 1), (2, 3), (3, 5), (49, 1), (1, 40)]
)
@pytest.mark.parametrize("density", [0.01, 0.32, 1.0])
def test_small_worlds_are_sound(regions: int, sectors: int, density: float) -> None:
    for seed in range(3):
        table = synthetic.world(regions, sectors, density=density, seed=seed)
        active = table.x.to_numpy() > 0
        assert table.n == regions * sectors
        assert active.reshape(regions, sectors).any(axis=1).all()
        sums = column_sums(table)[active]
        assert sums.min() > 0.2
        assert sums.max() < 0.85
        delivered = np.asarray(table.Z.sum(axis=1)).ravel() + table.Y.to_numpy().sum(axis=1)
        np.testing.assert_allclose(table.x.to_numpy(), delivered, rtol=1e-13)


def test_full_density_leaves_out_only_sectors_without_output() -> None:
    table = synthetic.world(4, 30, density=1.0)
    assert table.Z.nnz == (table.x > 0).sum() ** 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"regions": 0}, "regions: expected a whole number from 1 to 1,000,000, got 0; "),
        ({"regions": 2.5}, "regions: .* got 2.5; "),
        ({"regions": True}, "regions: .* got True; "),
        ({"sectors": -3}, "sectors: .* got -3; "),
        ({"sectors": "200"}, "sectors: .* got '200'; "),
        ({"stressors": 0}, "stressors: .* got 0; "),
        ({"year": 1066}, "year: expected a whole number from 1900 to 2100, got 1066; give e.g."),
        ({"year": None}, "year: .* got None; "),
        ({"density": 0}, "density: expected a number above 0 and at most 1, got 0; give e.g. 0.32"),
        ({"density": 1.5}, "density: .* got 1.5; "),
        ({"density": float("nan")}, "density: .* got nan; "),
        ({"density": "dense"}, "density: .* got 'dense'; "),
        ({"seed": -1}, "seed: .* got -1; "),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        synthetic.world(**{"regions": 2, "sectors": 2, **arguments})


def test_numpy_integers_are_whole_numbers() -> None:
    assert synthetic.world(np.int64(2), np.int32(3), year=np.int16(2000)).n == 6
