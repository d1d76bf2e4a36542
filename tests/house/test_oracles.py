"""Numbers that others have published, and pymrio's, and real tables against the dense reference.

Sources: Miller & Blair (2009), Input-Output Analysis; USEEIO v2.0.1-411 and GAEEIO v1.0 (CC0);
World Input-Output Database, 2013 release (Timmer et al. 2015), with the CO2 accounts of Corsatea
et al. (2019, doi 10.2760/024036).
"""

from __future__ import annotations

import json
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pymrio
import pytest
from support.references.reference import Reference

import carbonflows_fast as cf

YEARS = (2000, 2005, 2009)


# --- Miller & Blair ---------------------------------------------------------------------------


def miller_blair() -> cf.Table:
    """The two-sector example of section 2.3: x from Z and y, with labour for the stressors."""
    return cf.Table(
        Z=np.array([[150.0, 500.0], [200.0, 100.0]]),
        Y=np.array([[350.0], [1700.0]]),
        F=np.eye(2) * [1000.0, 2000.0],
        regions="AA",
        sectors=["1", "2"],
        stressors=["output of 1", "output of 2"],
    )


def test_miller_blair_inverse() -> None:
    """One unit of a stressor per unit of output of sector i makes M the i-th row of L."""
    table = miller_blair()
    np.testing.assert_allclose(table.A.toarray(), [[0.15, 0.25], [0.20, 0.05]])
    np.testing.assert_allclose(cf.multipliers(table), [[1.254, 0.330], [0.264, 1.122]], atol=5e-4)


def test_miller_blair_new_demand() -> None:
    """Final demand of 600 and 1500 calls for output of 1247.5 and 1841.6."""
    solution = cf.system(miller_blair()).solve(np.array([600.0, 1500.0]))
    np.testing.assert_allclose(solution.values, [1247.52, 1841.58], atol=5e-3)


# --- USEEIO and GAEEIO ------------------------------------------------------------------------

MODELS = ["USEEIOv2.0.1-411", "GAEEIOv1.0-s-20"]


@cache
def published(folder: Path) -> tuple[cf.Table, Any, Any]:
    """A model as a table, and its published L and N = D L."""
    L, N = (np.array(json.loads((folder / f"{name}.json").read_text())) for name in "LN")
    return cf.read(folder), L, N


@pytest.mark.real_data
@pytest.mark.parametrize("model", MODELS)
def test_published_multipliers(real_data: Path, model: str) -> None:
    table, _, N = published(real_data / "useeio" / model)
    indicators = table.stressors[: len(N)]
    assert set(table.extensions[: len(N)]) == {"indicators"}
    got = cf.multipliers(table, list(indicators)).to_numpy()
    assert (np.abs(got - N).max(axis=1) <= 1e-12 * np.abs(N).max(axis=1)).all()
    assert float(np.median(np.abs(got / np.where(N == 0, 1.0, N) - (N != 0)))) < 1e-13


@pytest.mark.real_data
@pytest.mark.parametrize("model", MODELS)
def test_published_inverse(real_data: Path, model: str) -> None:
    """L column by column: unit demand of every sector, and row by row by the adjoint."""
    table, L, _ = published(real_data / "useeio" / model)
    system, unit = cf.system(table), np.eye(table.n)
    for method in ("gmres", "gauss-seidel", "direct"):
        forward = system.solve(unit, method=method, rtol=1e-12).values
        adjoint = system.solve_adjoint(unit, method=method, rtol=1e-12).values
        assert np.abs(forward - L).max() < 1e-11, method
        assert np.abs(adjoint - L).max() < 1e-11, method


# --- pymrio -----------------------------------------------------------------------------------

ACCOUNTS = ["M", "S", "D_cba", "D_pba", "D_imp", "D_exp"]
ACCOUNTS += ["D_cba_reg", "D_pba_reg", "D_imp_reg", "D_exp_reg"]


def assert_same_accounts(table: cf.Table, extension: Any, names: list[str]) -> None:
    """Our footprints of these stressors are the extension's accounts, cell by cell."""
    ours = cf.footprints(table, names)
    for account in ACCOUNTS:
        got, expected = getattr(ours, account), getattr(extension, account)
        assert list(got.columns) == list(expected.columns), account
        assert list(got.columns.names) == list(expected.columns.names), account
        largest = np.abs(expected.to_numpy()).max(axis=1, keepdims=True)
        # 1e-9 of each cell; cells that cancel to nothing are compared with the largest one.
        allowed = 1e-9 * np.abs(expected.to_numpy()) + 1e-13 * largest
        assert np.all(np.abs(got.to_numpy() - expected.to_numpy()) <= allowed), account


def test_pymrio_test_system() -> None:
    io = pymrio.load_test().calc_all()
    table = cf.from_pymrio(io)
    np.testing.assert_allclose(table.x, io.x.to_numpy().ravel(), rtol=1e-12)
    np.testing.assert_allclose(table.A.toarray(), io.A, rtol=1e-12)
    first = 0
    for extension in io.get_extensions(data=True):
        names = list(table.stressors[first : first + len(extension.F)])
        np.testing.assert_array_equal(table.F.loc[names], extension.F)
        assert_same_accounts(table, extension, names)
        first += len(names)
    assert first == len(table.stressors)


@pytest.mark.real_data
def test_pymrio_on_wiod_2009(real_data: Path, tmp_path: Path) -> None:
    """The same zip, read by pymrio and by us."""
    with zipfile.ZipFile(real_data / "wiod2013_2009.zip") as archive:
        archive.extractall(tmp_path)
    io = pymrio.load_all(tmp_path / "wiod2013_2009").calc_all()
    table = wiod(real_data, 2009)
    np.testing.assert_array_equal(table.Z.toarray(), io.Z)
    assert_same_accounts(table, io.co2, list(table.stressors))


# --- WIOD -------------------------------------------------------------------------------------


@cache
def wiod(folder: Path, year: int) -> cf.Table:
    return cf.read(folder / f"wiod2013_{year}.zip", progress=False)


@cache
def dense(folder: Path, year: int) -> Reference:
    return Reference(wiod(folder, year))


@pytest.mark.real_data
@pytest.mark.parametrize("year", YEARS)
def test_wiod_flows_and_accounts(real_data: Path, year: int) -> None:
    table, reference = wiod(real_data, year), dense(real_data, year)
    s, F, F_Y = (frame.to_numpy()[0] for frame in (table.S, table.F, table.F_Y))
    flows = cf.flows(table)
    error = float(np.abs(flows.matrix - reference.flows(s)).to_numpy().sum())
    assert error <= flows.error_bound <= 100 * error + 1e-12 * flows.total
    assert flows.error_bound < 1.1e-10 * flows.total
    assert flows.net_transfers == pytest.approx(reference.net_transfers(s), rel=1e-9)
    assert flows.traded_share * flows.total == pytest.approx(reference.traded(s), rel=1e-9)

    got, expected = cf.accounts(table), reference.accounts(s, F, F_Y)
    pd.testing.assert_frame_equal(got, expected, rtol=1e-8, atol=2 * flows.error_bound)
    assert got["unallocated"].abs().max() < 1e-8 * F.sum()


@pytest.mark.real_data
@pytest.mark.parametrize("year", YEARS)
def test_wiod_breakdowns_and_footprints(real_data: Path, year: int) -> None:
    table, reference = wiod(real_data, year), dense(real_data, year)
    s, flows = table.S.to_numpy()[0], cf.flows(table)
    by_sector = np.abs(flows.by_emitting_sector() - reference.by_emitting_sector(s))
    assert by_sector.to_numpy().sum() <= flows.error_bound
    by_product = flows.by_product()
    error = float(np.abs(by_product - reference.by_product(s)).to_numpy().sum())
    bound = by_product.attrs["error_bound"]
    assert error <= bound <= 100 * error + 1e-11 * flows.total
    ours = cf.footprints(table)
    for name, expected in reference.footprints(table.S.to_numpy()).items():
        largest = float(np.abs(expected).max())
        np.testing.assert_allclose(
            getattr(ours, name), expected, rtol=1e-9, atol=1e-13 * largest, err_msg=name
        )


@pytest.mark.real_data
def test_wiod_2009_says_what_is_known(real_data: Path) -> None:
    """Consumption over production, and what crosses borders, as the data's own notes have it."""
    known = {"GBR": 23.3, "DEU": 18.8, "JPN": 16.4, "USA": 15.4, "FRA": 46.0, "SWE": 46.1}
    known["CHN"] = -16.7
    accounts, flows = (ask(wiod(real_data, 2009)) for ask in (cf.accounts, cf.flows))
    for region, percent in known.items():
        assert round(100 * accounts["net_share"][region], 1) == percent, region
    assert round(100 * flows.traded_share, 1) == 23.9
    assert round(100 * flows.net_transfers / flows.total, 1) == 7.4
    assert flows.traded_share_all < flows.traded_share
    assert set(flows.top(1)[["from", "to"]].iloc[0]) == {"CHN", "USA"}


@pytest.mark.real_data
@pytest.mark.parametrize("year", YEARS)
def test_wiod_duality(real_data: Path, year: int) -> None:
    table = wiod(real_data, year)
    m = cf.multipliers(table)
    total = cf.flows(table)
    dual = float(m.to_numpy()[0] @ table.Y.to_numpy().sum(axis=1))
    limit = total.error_bound + m.attrs["error_bound"][table.stressors[0]]
    assert abs(total.total - dual) <= limit + 1e-14 * total.total


@pytest.mark.real_data
def test_wiod_against_published_national_accounts(real_data: Path) -> None:
    """Same sign and size as with WIOD's own emissions; these are another source's (see above)."""
    pytest.importorskip("openpyxl")
    production, consumption = (
        pd.read_excel(
            real_data / "published" / f"WIOD_{kind}.xlsx", index_col=0, engine="openpyxl"
        )[2009]
        for kind in ("prod", "cons")
    )
    ours = cf.accounts(wiod(real_data, 2009))["net_share"].drop(["ROM", "RoW"])
    theirs = (consumption / production - 1).loc[ours.index]
    assert len(theirs) == 39
    assert (ours - theirs).abs().mean() < 0.1
    assert set(ours.index[ours * theirs < 0]) == {"LUX", "MLT"}


# --- passes -----------------------------------------------------------------------------------


@pytest.mark.real_data
@pytest.mark.parametrize("name", [*MODELS, "WIOD"])
@pytest.mark.parametrize(("dtype", "most"), [("float64", 9), ("float32", 10)])
def test_real_tables_need_few_passes(real_data: Path, name: str, dtype: str, most: int) -> None:
    """The certificate's included; in float32, two of them are on the float64 tiles."""
    table = (
        wiod(real_data, 2009)
        if name == "WIOD"
        else published(real_data / "useeio" / name)[0]
    )  # fmt: skip
    system = cf.system(table, dtype=dtype)
    y, s = table.Y.to_numpy().sum(axis=1), table.S.to_numpy()[0]
    for solution in (system.solve(y, method="gmres"), system.solve_adjoint(s, method="gmres")):
        assert solution.report.passes <= most
        assert solution.report.error_bound <= 1e-10
