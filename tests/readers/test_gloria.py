"""GLORIA: fixtures by position, and pymrio's numbers on the sample of its tests."""

from __future__ import annotations

import logging
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from support.files.zips import packed
from support.worlds.gloria_world import CO2, INDUSTRIES, PRODUCTS, N, P, Q, R, World, path_of

from carbonflows_fast.errors import FormatError, LabelError
from carbonflows_fast.readers import read


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A download, not to be changed."""
    return World().write(tmp_path_factory.mktemp("gloria"))


@pytest.fixture
def place(written: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(written, tmp_path / "copy"))


def test_folders(written: Path) -> None:
    World().check(read(written))


def test_two_zips_and_the_read_me(place: Path) -> None:
    for folder in [p for p in place.iterdir() if p.is_dir()]:
        packed(folder, place / f"{folder.name}.zip")
        shutil.rmtree(folder)
    World().check(read(place))


def test_one_zip_with_all(written: Path, tmp_path: Path) -> None:
    packed(written, tmp_path / "all.zip", f"{written.name}/")
    World().check(read(tmp_path / "all.zip", format="gloria"))


def test_a_folder_of_basic_prices_the_read_me_there_and_windows_lines(place: Path) -> None:
    money = place / "GLORIA_MRIOs_59_2022"
    (money / "Basic prices").mkdir()
    for file in money.glob("*Markup001*"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
        file.rename(money / "Basic prices" / file.name)
    (place / "GLORIA_ReadMe_059.xlsx").rename(money / "Basic prices" / "GLORIA_ReadMe_059a.xlsx")
    World().check(read(place))


def test_a_use_table_with_few_numbers_is_sparse(tmp_path: Path) -> None:
    assert "Z dense" in repr(read(World().write(tmp_path / "full")))
    empty = World(seed=2, density=0.05)
    table = read(empty.write(tmp_path / "empty"))
    assert "Z sparse" in repr(table)
    empty.check(table)


def test_years_and_releases(tmp_path: Path) -> None:
    for seed, (year, release) in enumerate([(2021, "059"), (2022, "059"), (2022, "060")]):
        World(seed).write(tmp_path / f"r{release}", year, release)
    World(1).check(read(tmp_path / "r059", year=2022))
    assert read(tmp_path / "r059", year=2021).year == 2021
    with pytest.raises(FormatError, match=r"expected one table, got 2 tables \(2021, 2022\)"):
        read(tmp_path / "r059")
    with pytest.raises(FormatError, match=r"expected one table of 2022, got 2 of that year"):
        read(tmp_path, year=2022)
    assert read(tmp_path, year=2021).name == "GLORIA 059 2021"


def test_stressors_alone(written: Path, place: Path) -> None:
    whole = read(written)
    for wanted, names in [
        (["'c6f14' | 4", "Wheat"], ("Wheat", "'c6f14' | 4")),
        ("Subsidies D.39", ("Subsidies D.39",)),
        (f"Emissions (OECD): {CO2}", (f"Emissions (OECD): {CO2}",)),
        (["Wheat", "Taxes on production D.29"], ("Taxes on production D.29", "Wheat")),
    ]:
        table = read(written, stressors=wanted)
        assert table.stressors == names
        np.testing.assert_array_equal(table.F, whole.F.loc[list(names)])
        np.testing.assert_array_equal(table.F_Y, whole.F_Y.loc[list(names)])
    lines = path_of(place, "TQ").read_text().splitlines()
    lines[0] = ",".join(["nonsense"] * 2 * N)  # Wheat
    path_of(place, "TQ").write_text("\n".join(lines))
    assert read(place, stressors="'c6f14' | 4").stressors == ("'c6f14' | 4",)
    with pytest.raises(FormatError, match=r"line 1, row 'Wheat', column 'XAM | industry | Grow"):
        read(place, stressors="Wheat")


def test_stressors_that_are_not_there(written: Path) -> None:
    with pytest.raises(LabelError, match=r"got \"'c6f14'\"; nearest are .*'c6f14' \| 3"):
        read(written, stressors="'c6f14'")
    with pytest.raises(LabelError, match=r"which 2 extensions have; say which: .*EDGAR.*OECD"):
        read(written, stressors=CO2)


def test_products_of_other_industries(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World(off=4.0)
    world.parts["T"][INDUSTRIES[4], PRODUCTS[4]] = world.V[4, 4] = 0.0  # nothing made, still used
    with caplog.at_level(logging.WARNING):
        table = read(world.write(tmp_path))
    share = f"{100 * 4 / world.V.sum():.3g}"
    assert f"4 thousand USD ({share} % of supply) are products of other ind" in caplog.text
    # Product by product: each industry's column goes to its products by their share of output.
    Z, F = np.zeros((N, N)), np.zeros((P + Q, N))
    inputs = sum(world.inputs[r * P : (r + 1) * P] for r in range(R))
    stress = np.vstack([inputs, world.F])
    for industry in range(N):
        made = world.V[industry].sum()
        for p in range(N):
            part = world.V[industry, p] / made if made else float(industry == p)
            Z[:, p] += world.U[:, industry] * part
            F[:, p] += stress[:, industry] * part
    np.testing.assert_allclose(table.Z.toarray(), Z, rtol=1e-14)
    np.testing.assert_allclose(table.F, F, rtol=1e-14)
    np.testing.assert_allclose(table.x, Z.sum(1) + world.Y.sum(1), rtol=1e-14)
    np.testing.assert_allclose(table.F.sum(axis=1), stress.sum(axis=1), rtol=1e-14)
    assert world.V[4].sum() == 0
    assert F[:, 4].any()


def test_the_gap_between_supply_and_use_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    at = INDUSTRIES[3], PRODUCTS[3]
    world.parts["T"][at] += 7.0
    supplied, x = world.parts["T"][at], world.U[3].sum() + world.Y[3].sum()
    with caplog.at_level(logging.WARNING):
        read(world.write(tmp_path))
    assert f"most in 'CIV | product | Fishing' ({x:.6g} and {supplied:.6g})" in caplog.text


def test_a_balanced_table_logs_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    balanced = np.diag(world.U.sum(axis=1) + world.Y.sum(axis=1))
    world.parts["T"][np.ix_(INDUSTRIES, PRODUCTS)] = balanced
    with caplog.at_level(logging.WARNING):
        read(world.write(tmp_path))
    assert not caplog.records


def test_primary_inputs_of_another_region_are_counted_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    world.parts["V"][0, INDUSTRIES[5]] = world.inputs[0, 5] = 2.5
    with caplog.at_level(logging.WARNING):
        world.check(read(world.write(tmp_path)))
    assert "primary inputs of 2.5 thousand USD stand in columns of other regions" in caplog.text


@pytest.mark.real_data
def test_the_numbers_are_those_of_pymrio(real_data: Path) -> None:
    import pymrio

    path = real_data / "formats" / "gloria_mock"
    table = read(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts, _ = pymrio.parse_gloria_sut(path, year=2022, version=59)
        other = pymrio.parse_gloria(path, year=2022, version=59)
    rows, demand = list(table.x.index), list(table.demand)
    assert rows == list(parts["U"].index) == list(parts["U"].columns)
    assert demand == list(parts["Y"].columns)
    np.testing.assert_array_equal(table.Z.toarray(), parts["U"])
    np.testing.assert_array_equal(table.Y, parts["Y"])
    assert sp.csr_array(parts["V"].to_numpy()).nnz == len(rows)
    np.testing.assert_allclose(table.A.toarray(), other.A.loc[rows, rows], rtol=1e-14)
    inputs = parts["VA"].groupby(level=1, sort=False).sum()
    np.testing.assert_array_equal(table.F, np.vstack([inputs, parts["Q"]]))
    assert table.stressors == (*inputs.index, *parts["Q"].index.get_level_values(0))
    assert not table.F_Y.to_numpy().any()
    assert not parts["QY"].to_numpy().any()
