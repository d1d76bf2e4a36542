"""GTAP: header array files and records of an invented table, against a calculation cell by cell."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.files.gtap_files import CARRIERS, COMMODITIES, GASES, REGIONS, World
from support.references.gtap_reference import as_rows, mrio

import carbonflows_fast as cf
from carbonflows_fast import Table
from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers.gtap._har import headers_of, read_array

AT = [COMMODITIES.index(name) for name in CARRIERS]
FACTORS = ["Land", "Capital"]
CO2 = ["MDF", "MMF", "MDP", "MMP", "MDG", "MMG", "MDI", "MMI"]
TAXES = ["taxes on factors", "taxes on products", "taxes on exports", "duties on imports"]


def expected(world: World) -> dict[str, np.ndarray]:
    return mrio({name: values for name, (_, values) in world.arrays.items()}, AT)


def check(table: Table, world: World, *, joint: bool = False) -> None:
    """Compare all of a table of version 7 with the reference."""
    right = expected(world)
    close = {"rtol": 1e-12, "atol": 1e-9}
    assert list(table.rows) == [(r, c) for r in REGIONS for c in COMMODITIES]
    assert table.demand.tolist()[:3] == [
        ("AUS", "households"), ("AUS", "government"), ("AUS", "investment")
    ]  # fmt: skip
    np.testing.assert_allclose(table.Z.toarray(), right["Z"], **close)
    np.testing.assert_allclose(table.Y, right["Y"], **close)
    names = [*FACTORS, *TAXES, "taxes on output"]
    np.testing.assert_allclose(table.F.loc[names], right["V"], **close)
    np.testing.assert_allclose(table.F_Y.loc[names], right["V_Y"], **close)
    assert set(table.row_units) == {"million USD"}
    assert {table.stressor_units[name] for name in names} == {"million USD"}
    cost = table.Z.toarray().sum(axis=0) + table.F.loc[names].sum(axis=0)
    np.testing.assert_allclose(cost, table.x, rtol=1e-6)
    assert any("industry technology" in note for note in table.notes) == joint


@pytest.fixture(params=["har", "csv", "prefixed", "without zeros", "zip"])
def write(request: pytest.FixtureRequest) -> Callable[[World, Path], Path]:
    def written(world: World, folder: Path) -> Path:
        match request.param:
            case "har":
                return world.har(folder / "base")
            case "csv":
                return world.csv(folder / "records")
            case "prefixed":
                return world.csv(folder / "records", "3x3")
            case "without zeros":
                return world.csv(folder / "records", zeros=False)
        world.har(folder / "base")
        with zipfile.ZipFile(folder / "GTAP.zip", "w") as archive:
            for path in sorted((folder / "base").iterdir()):
                archive.write(path, f"base/{path.name}")
        shutil.rmtree(folder / "base")
        return folder / "GTAP.zip"

    return written


@pytest.mark.parametrize("joint", [False, True])
def test_it_is_what_the_method_says(
    tmp_path: Path, write: Callable[[World, Path], Path], joint: bool
) -> None:
    world = World(joint=joint)
    table = cf.read(write(world, tmp_path), progress=False)
    check(table, world, joint=joint)
    heads = world.arrays["POP"][1] * 1e6
    np.testing.assert_allclose(table.population, heads)


@given(seed=st.integers(0, 2**32 - 1), joint=st.booleans())
@settings(max_examples=8)
def test_rows_and_columns_balance(
    tmp_path_factory: pytest.TempPathFactory, seed: int, joint: bool
) -> None:
    world = World(joint=joint, seed=seed)
    table = cf.read(world.har(tmp_path_factory.mktemp("base")))
    check(table, world, joint=joint)
    made = world.arrays["MAKB"][1].sum(axis=1).T.ravel()
    np.testing.assert_allclose(table.x, made, rtol=1e-6)
    assert not any("differ" in note for note in table.notes)


@pytest.mark.parametrize("box", [1, 37, 10_000])
@pytest.mark.parametrize("sparse", [(), ("VDFB", "MAKB", "VTWR", "VST", "POP")])
def test_the_way_a_file_keeps_numbers_does_not_matter(
    tmp_path: Path, box: int, sparse: tuple[str, ...]
) -> None:
    world = World()
    check(cf.read(world.har(tmp_path, sparse=sparse, box=box)), world)


def test_version_6_is_version_7_where_each_industry_makes_one_commodity(tmp_path: Path) -> None:
    new, old = (World(version).har(tmp_path / str(version)) for version in (7, 6))
    ours, theirs = cf.read(new), cf.read(old)
    assert theirs.rows.equals(ours.rows)
    np.testing.assert_array_equal(theirs.Z.toarray(), ours.Z.toarray())
    np.testing.assert_array_equal(theirs.Y, ours.Y)
    same = [*FACTORS, *TAXES, "CO2"]
    np.testing.assert_allclose(theirs.F.loc[same], ours.F.loc[same], rtol=1e-12)
    np.testing.assert_allclose(theirs.F_Y.loc[same], ours.F_Y.loc[same], rtol=1e-12)
    np.testing.assert_allclose(
        theirs.F.loc["taxes on output"], ours.F.loc["taxes on output"], atol=1e-3
    )
    assert ours.stressor_units["CO2"] == theirs.stressor_units["CO2"] == "Mt"


def test_activities_in_another_order(tmp_path: Path) -> None:
    world, order = World(), [2, 0, 3, 1]
    plain = cf.read(world.har(tmp_path / "plain"))
    world.sets["ACTS"] = [f"{COMMODITIES[at]}-a" for at in order]
    for name, (sets, values) in world.arrays.items():
        if "ACTS" in sets:
            world.arrays[name] = (sets, values.take(order, axis=sets.index("ACTS")))
    table = cf.read(world.har(tmp_path / "other"))
    np.testing.assert_allclose(table.Z.toarray(), plain.Z.toarray(), rtol=1e-12)
    np.testing.assert_allclose(table.F, plain.F, rtol=1e-12, atol=1e-9)
    assert table.notes == plain.notes


# --- emissions and accounts -------------------------------------------------------------------


@pytest.mark.parametrize("joint", [False, True])
def test_emissions_of_the_world_are_kept(tmp_path: Path, joint: bool) -> None:
    world = World(joint=joint)
    table = cf.read(world.har(tmp_path))
    given = {name: values for name, (_, values) in world.arrays.items()}
    total = sum(given[name].sum() for name in CO2)
    assert table.F.loc["CO2"].sum() + table.F_Y.loc["CO2"].sum() == pytest.approx(total, rel=1e-13)
    homes = (given["MDP"] + given["MMP"]).sum(axis=0)
    np.testing.assert_allclose(table.F_Y.loc["CO2"].unstack()["households"][REGIONS], homes)
    invested = (given["MDI"] + given["MMI"]).sum(axis=0)
    np.testing.assert_allclose(table.F_Y.loc["CO2"].unstack()["investment"][REGIONS], invested)
    for at, gas in enumerate(GASES):
        assert table.F.loc[gas].sum() == pytest.approx(given["NQO"][at].sum())
        assert table.F_Y.loc[gas].sum() == pytest.approx(given["NHH"][at].sum())
    for at, fuel in enumerate(("coa", "mnf")):
        energy = (given["EDF"] + given["EMF"])[at].sum()
        assert table.F.loc[f"energy | {fuel}"].sum() == pytest.approx(energy)
        assert table.stressor_units[f"energy | {fuel}"] == "Mtoe"


@pytest.mark.parametrize("joint", [False, True])
def test_accounts_are_those_of_a_dense_calculation(tmp_path: Path, joint: bool) -> None:
    world = World(joint=joint)
    table = cf.read(world.har(tmp_path), stressors="CO2")
    assert table.stressors == ("CO2",)
    right = expected(world)
    Z, Y = right["Z"], right["Y"]
    given = {name: values for name, (_, values) in world.arrays.items()}
    direct = as_rows((given["MDF"] + given["MMF"]).sum(axis=0).T, right["maker"])
    homes = sum(given[f"M{origin}{user}"] for origin in "DM" for user in "PGI").sum(axis=0)
    x = Z.sum(axis=1) + Y.sum(axis=1)
    L = np.linalg.inv(np.eye(len(x)) - Z / x)
    by_consumer = Y.reshape(len(x), len(REGIONS), 3).sum(axis=2)
    consumption = direct / x @ L @ by_consumer + homes
    production = direct.reshape(len(REGIONS), -1).sum(axis=1) + homes
    found = cf.accounts(table, "CO2")
    np.testing.assert_allclose(found["consumption"], consumption, rtol=1e-9)
    np.testing.assert_allclose(found["production"], production, rtol=1e-9)


def test_co2_of_processes_is_added_and_that_of_fuels_counts_once(tmp_path: Path) -> None:
    world = World()
    world.sets["EM"] = ["CO2", "CH4"]
    table = cf.read(world.har(tmp_path))
    given = {name: values for name, (_, values) in world.arrays.items()}
    burnt = sum(given[name].sum() for name in CO2)
    processes = given["NQO"][0].sum()
    whole = table.F.sum(axis=1) + table.F_Y.sum(axis=1)
    assert whole["combustion CO2"] == pytest.approx(burnt)
    assert whole["CO2"] == pytest.approx(burnt + processes)
    assert whole["CH4"] == pytest.approx(given["NQO"][1].sum() + given["NHH"][1].sum())
    assert sum("CO2" in note for note in table.notes) == 2
    assert any(f"EMI_HH ({given['NHH'][0].sum():.6g} Mt) is left out" in n for n in table.notes)
    weighed = cf.accounts(table, "GWP100_AR6")["production"].sum()
    assert weighed == pytest.approx(whole["CO2"] + 27.9 * whole["CH4"], rel=0.1)


def test_co2_of_fuels_may_stand_in_the_arrays_of_all_gases_alone(tmp_path: Path) -> None:
    """Households are counted too, and gases may be in small letters."""
    world = World().without(*CO2)
    world.sets["EM"] = ["co2", "ch4"]
    world._put("EMI_IO", "EM FUEL ACTS REG", world._random("EM", "FUEL", "ACTS", "REG"))
    table = cf.read(world.csv(tmp_path))
    given = {name: values for name, (_, values) in world.arrays.items()}
    homes = given["NHH"].sum(axis=1)
    burnt = given["EMI_IO"].sum(axis=(1, 2, 3))
    np.testing.assert_allclose(table.F_Y.loc["CO2"].unstack()["households"][REGIONS], homes[0])
    whole = table.F.sum(axis=1) + table.F_Y.sum(axis=1)
    assert whole["combustion CO2"] == pytest.approx(burnt[0] + homes[0].sum())
    assert whole["CO2"] == pytest.approx(burnt[0] + homes[0].sum() + given["NQO"][0].sum())
    assert whole["ch4"] == pytest.approx(burnt[1] + homes[1].sum() + given["NQO"][1].sum())
    assert not any("left out" in note or "not whole" in note for note in table.notes)


def test_arrays_of_co2_that_are_lacking_are_said(tmp_path: Path) -> None:
    table = cf.read(World().without("MMF", "MDP", "NHH").har(tmp_path))
    assert "CO2 of combustion is not whole: MMF or MIF, MDP are not there, zero." in table.notes
    whole = cf.read(World().without("MDI", "MMI").har(tmp_path / "whole"))
    assert not any("not whole" in note for note in whole.notes)


def test_co2_of_release_7(tmp_path: Path) -> None:
    world = World(6).without("MDF", "MIF", "MDP", "MIP", "MDG", "MIG")
    world.sets |= {"GHG": ["CO2"], "FUEL": ["ecoa", "ep_c"],
                   "USER": [*COMMODITIES, "hh", "govt"]}  # fmt: skip
    values = world._random("GHG", "FUEL", "USER", "REG")
    world._put("EGHG", "GHG FUEL USER REG", values)
    table = cf.read(world.har(tmp_path))
    assert table.stressor_units["CO2"] == "Gg"
    by_user = world.arrays["EGHG"][1].sum(axis=(0, 1))
    np.testing.assert_allclose(table.F.loc["CO2"], by_user[: len(COMMODITIES)].T.ravel())
    final = table.F_Y.loc["CO2"].unstack().loc[REGIONS]
    np.testing.assert_allclose(final["households"], by_user[-2])
    np.testing.assert_allclose(final["government"], by_user[-1])


def test_without_emissions(tmp_path: Path) -> None:
    folder = World().har(tmp_path)
    (folder / "emissions.har").unlink()
    table = cf.read(folder)
    assert set(table.extensions) == {"primary inputs"}
    assert any(note.startswith("There are no emissions") for note in table.notes)
    energy = cf.read(World().without(*CO2, "NQO", "NHH").har(tmp_path / "energy"))
    assert set(energy.extensions) == {"primary inputs", "energy"}
    assert any(note.startswith("There are no emissions") for note in energy.notes)


# --- what is particular -----------------------------------------------------------------------


def test_trade_of_a_region_with_itself_stays_in_it(tmp_path: Path) -> None:
    """More of it changes deliveries within the region, and none to or from partners."""
    plain, more = World(), World()
    sets, trade = more.arrays["VXSB"]
    trade[1, 1, 1] += 8.0
    more.arrays["VXSB"] = (sets, trade)
    one, other = (cf.read(w.har(tmp_path / str(at))) for at, w in enumerate((plain, more)))
    moved = other.Z.toarray() - one.Z.toarray()
    rows, columns = np.nonzero(np.abs(moved) > 1e-9)
    row = [tuple(pair) for pair in one.rows].index(("EU_3", "mnf"))
    assert set(rows) == {row}
    assert {one.rows[at][0] for at in columns} == {"EU_3"}
    final = (other.Y - one.Y).abs().to_numpy()
    assert moved.sum() + final.sum() == pytest.approx(8.0)


def test_accounts_that_are_left_out_close_the_columns_by_name(tmp_path: Path) -> None:
    world = World().without("VFOB", "VDFP", "EVFP", "MAKS")
    table = cf.read(world.har(tmp_path))
    name = "taxes on factors and taxes on products and taxes on output"
    assert name in table.stressors
    assert "taxes on exports and duties on imports" in table.stressors
    inputs = [at for at, one in enumerate(table.extensions) if one == "primary inputs"]
    cost = table.Z.toarray().sum(axis=0) + table.F.iloc[inputs].sum(axis=0)
    np.testing.assert_allclose(cost, table.x, rtol=1e-12)


def test_accounts_that_do_not_agree_are_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    sets, bought = world.arrays["VDPB"]
    bought[1, 2] *= 1.5
    world.arrays["VDPB"] = (sets, bought)
    table = cf.read(world.har(tmp_path))
    said = [note for note in table.notes if "differ by" in note]
    assert len(said) == 2  # with output, and with costs
    assert "What is sold and what is made (MAKB) differ by" in said[1]
    assert "most in ROW | mnf" in said[1]
    assert said[1] in caplog.text


def test_imports_and_transport_from_nowhere_are_said(tmp_path: Path) -> None:
    """Version 6 has no output to compare with: its columns close whatever is missing."""
    world = World(6)
    world.arrays["VXMD"][1][1, :, 2] = 0.0
    world.arrays["VST"][1][0] = 0.0
    notes = cf.read(world.har(tmp_path)).notes
    bought = sum(world.arrays[name][1][1, ..., 2].sum() for name in ("VIFM", "VIPM", "VIGM"))
    assert any(
        f"imported and what is exported there differ by {bought:.6g} million USD" in note
        and "most in ROW | mnf" in note
        for note in notes
    )
    paid = world.arrays["VTWR"][1][0].sum()
    assert any(f"(VTWR) and what is supplied (VST) differ by {paid:.6g}" in note for note in notes)


def test_years_are_those_of_files_and_folders(tmp_path: Path) -> None:
    for year in (2014, 2017):
        World().har(tmp_path / "base" / str(year))
    (tmp_path / "base" / "2017" / "basedata.har").rename(tmp_path / "base" / "2017" / "data.har")
    assert cf.read(tmp_path / "base", year=2014).year == 2014
    table = cf.read(tmp_path / "base", year=2017)
    assert (table.year, table.name) == (2017, "GTAP 2017")
    World().csv(tmp_path / "records", "agg_2011_")
    assert cf.read(tmp_path / "records").year == 2011


# --- originals --------------------------------------------------------------------------------


@pytest.mark.real_data
def test_original_records_give_a_table_that_balances(real_data: Path, tmp_path: Path) -> None:
    original = real_data / "originals" / "gtap" / "v7_3x3_csv"
    shutil.copytree(original, tmp_path / "copy")
    regions, made = ["USA", "E27", "ROW"], ["agr", "man", "srv"]
    emitted = np.random.default_rng(0).uniform(1, 9, (3, 3)).round(3)
    homes = np.array([5.0, 4.0, 11.0])
    firms = [f"coal,{c}-a,{r},{emitted[i, j]}" for i, r in enumerate(regions)
             for j, c in enumerate(made)]  # fmt: skip
    users = [f"coal,{r},{value}" for r, value in zip(regions, homes, strict=True)]
    for name, lines in (("MDF", ["FUEL,ACTS,REG,value", *firms]),
                        ("MMP", ["FUEL,REG,value", *users])):  # fmt: skip
        (tmp_path / "copy" / f"3x3{name}.csv").write_text("\n".join(lines) + "\n")
    table = cf.read(tmp_path / "copy")
    assert (table.regions, table.sectors) == (tuple(regions), tuple(made))
    right = mrio(records(original, regions, made), [2])
    Z, Y, x = right["Z"], right["Y"], right["Z"].sum(axis=1) + right["Y"].sum(axis=1)
    np.testing.assert_allclose(table.Z.toarray(), Z, rtol=1e-12)
    np.testing.assert_allclose(table.Y, Y, rtol=1e-12)
    inputs = table.F.loc[[name for name in table.stressors if name != "CO2"]]
    np.testing.assert_allclose(inputs, right["V"], rtol=1e-10, atol=1e-3)
    np.testing.assert_allclose(x, [
        412936.4665631438, 7909745.243555004, 19952697.563114673, 537851.7350146751,
        11210975.315564662, 18404458.898789857, 3804794.525955963, 35462539.26766219,
        44179234.58697405], rtol=1e-10)  # MAKB  # fmt: skip
    np.testing.assert_allclose(Z.sum(axis=0) + inputs.sum(axis=0), x, rtol=1e-8)
    assert not any("differ" in note for note in table.notes)
    L = np.linalg.inv(np.eye(9) - Z / x)
    consumption = emitted.ravel() / x @ L @ Y.reshape(9, 3, 3).sum(axis=2) + homes
    found = cf.accounts(table, "CO2")
    np.testing.assert_allclose(found["consumption"], consumption, rtol=1e-9)
    np.testing.assert_allclose(found["production"], emitted.sum(axis=1) + homes, rtol=1e-12)
    assert found["consumption"].sum() == pytest.approx(emitted.sum() + homes.sum(), rel=1e-9)


def records(folder: Path, regions: list[str], made: list[str]) -> dict[str, np.ndarray]:
    """The arrays of the original's records, read by pandas."""
    sets = {"COMM": made, "ACTS": [f"{one}-a" for one in made], "MARG": ["srv"],
            "ENDW": ["LAB", "CAP"]} | dict.fromkeys(("REG", "SRC", "DST"), regions)  # fmt: skip
    arrays = {}
    for path in folder.glob("3x3V*.csv"):
        frame = pd.read_csv(path)
        arrays[path.stem[3:]] = frame
    for name in ("MAKB", "MAKS", "EVFB", "EVFP"):
        arrays[name] = pd.read_csv(folder / f"3x3{name}.csv")
    found = {}
    for name, frame in arrays.items():
        names = list(frame.columns[:-1])
        found[name] = np.zeros([len(sets[one]) for one in names])
        places = [[sets[one].index(label) for label in frame[one]] for one in names]
        found[name][tuple(places)] = frame["value"]
    found["VST"] = found["VST"][[made.index("srv")]]  # it has all commodities as labels
    return found


@pytest.mark.real_data
def test_original_header_array_file(real_data: Path) -> None:
    path = real_data / "originals" / "gtap" / "gtap_example.har"
    with path.open("rb") as handle:
        headers = {one.name: one for one in headers_of(handle, str(path), path.stat().st_size)}
        arrays = {
            name: read_array(handle, str(path), path.stat().st_size, header)
            for name, header in headers.items()
            if header.kind in ("REFULL", "RESPSE")
        }
    assert list(arrays) == ["VDFB", "EVFB", "VTWR", "POP", "MAKB"]
    assert headers["MAKB"].kind == "RESPSE"
    assert [one.values.shape for one in arrays.values()] == [
        (10, 10, 10), (5, 10, 10), (1, 10, 10, 10), (10,), (10, 10, 10)
    ]  # fmt: skip
    assert arrays["VDFB"].labels[2][:3] == ("Oceania", "EastAsia", "SEAsia")
    # As harpy3 0.3.1 reads them.
    assert arrays["VDFB"].values[0, 0, 0] == np.float32(862.0932)
    assert arrays["MAKB"].values[0, 0, 0] == np.float32(29679.098)
    assert arrays["POP"].values.sum() == pytest.approx(7248.290287)  # millions
    home = arrays["VDFB"].values.sum(axis=1)
    assert (home < arrays["MAKB"].values.sum(axis=1)).all()
    with pytest.raises(FormatError, match="none of VDPB, VDGB, VDIB, VMFB, VMPB"):
        cf.read(path)
