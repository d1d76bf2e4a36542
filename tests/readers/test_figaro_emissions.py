"""FIGARO's footprints summed to what industries emit, by fixtures in their layout."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from support.files.figaro_files import (
    HEADER,
    INPUTS,
    REGIONS,
    air_emissions,
    energy,
    flattened,
    footprints,
    written,
)

from carbonflows_fast.errors import CarbonFlowsError, FormatError, LabelError
from carbonflows_fast.readers import read

DIRECT = ["2019,AT,HH,AT,,7.5", "2019,FIGW1,HH,,,2.25", "2019,GR,HH,GR,,1.5"]


def test_footprints_become_emissions(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    written(tmp_path)
    numbers = footprints(tmp_path, DIRECT)
    footprints(tmp_path, [], "ghgFootprint_2019.csv")
    (tmp_path / "co2Footprint_23ed_2018.csv").write_text("another year is not opened")
    table = read(tmp_path)
    assert table.stressors == (*INPUTS, "CO2", "GHG")
    assert list(table.stressor_units)[3:] == ["kt", "kt CO2-eq"]
    assert list(table.extensions)[2:] == ["primary inputs", "emissions", "emissions"]
    np.testing.assert_allclose(table.F.loc["CO2"], numbers.sum(axis=(2, 3)).ravel(), rtol=1e-14)
    np.testing.assert_array_equal(table.F.loc["CO2"], table.F.loc["GHG"])
    direct = table.F_Y.loc["CO2"]
    assert [direct[region, "P3_S14"] for region in REGIONS] == [7.5, 2.25, 1.5]
    assert direct.sum() == 11.25
    assert not table.F_Y.loc["GHG"].any()
    assert caplog.messages == [
        f"{tmp_path / 'ghgFootprint_2019.csv'}: no GHG of households, their own emissions count as "
        "zero"
    ]


def test_emissions_are_found_in_zips(tmp_path: Path) -> None:
    matrix = written(tmp_path)
    footprints(tmp_path, DIRECT)
    table = read(tmp_path)
    path = tmp_path / "co2Footprint_23ed_2019.csv"
    with zipfile.ZipFile(path.with_suffix(".zip"), "w") as archive:
        archive.write(path, path.name)
    path.unlink()
    assert read(tmp_path).equals(table)
    with zipfile.ZipFile(path.with_suffix(".zip"), "a") as archive:
        archive.write(matrix, matrix.name)
    assert read(path.with_suffix(".zip")).equals(table)


def test_parts_of_households_are_added_up_where_the_whole_is_missing(tmp_path: Path) -> None:
    written(tmp_path)
    parts = ["2019,AT,HH_TRA,AT,,1.5", "2019,AT,HH_OTH,AT,,2"]
    footprints(tmp_path, parts)
    assert read(tmp_path).F_Y.loc["CO2"].sum() == 3.5
    footprints(tmp_path, [*parts, "2019,AT,HH,AT,,3.5"])
    assert read(tmp_path).F_Y.loc["CO2"].sum() == 3.5


def test_households_are_not_counted_twice(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    written(tmp_path)
    by_use = ["2019,AT,HH,AT,P3_S14,4", "2019,GR,HH,GR,P3_S14,2"]
    footprints(tmp_path, by_use)
    assert read(tmp_path).F_Y.loc["CO2"].sum() == 6
    assert not caplog.records
    footprints(tmp_path, [*by_use, *DIRECT])
    assert read(tmp_path).F_Y.loc["CO2"].sum() == 11.25
    assert "CO2 of no sector of the table is left out, in all 6 kt: HH" in caplog.text


def test_what_does_not_belong_is_left_out_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written(tmp_path)
    more = [
        "2019,AT,A01,WORLD,P3_S14,1000",  # a sum over users
        "2019,AT,A01,AT,TOTAL,100",  # a sum over uses
        "2019,AT,A01,AT,,10",  # of nobody knows whom
        "2019,AT,HH,GR,,1",  # of households elsewhere
        "2018,AT,A01,AT,P5M,5",  # another year
        "2019,EU,A01,AT,P5M,50",  # an area more
    ]
    numbers = footprints(tmp_path, more)
    table = read(tmp_path, stressors=["CO2", "W2_D1"])
    assert table.stressors == ("W2_D1", "CO2")
    np.testing.assert_allclose(table.F.loc["CO2"], numbers.sum(axis=(2, 3)).ravel(), rtol=1e-14)
    assert "4 of 59 rows, in all 1111 kt, are left out" in caplog.text
    assert "counterpart_area 'AT', 'GR', 'WORLD'" in caplog.text
    assert "CO2 of no sector of the table is left out, in all 50 kt: EU" in (caplog.text)


def test_industries_without_emissions_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written(tmp_path)
    numbers = footprints(tmp_path, [])
    path = tmp_path / "co2Footprint_23ed_2019.csv"
    lines = path.read_text().splitlines()
    kept = [li for li in lines if ",GR,A01," not in li[:12] and ",FIGW1,C31_32," not in li[:19]]
    kept = [",".join([*li.split(",")[:5], ""]) if "AT,A01,AT,P5M" in li else li for li in kept]
    path.write_text("\n".join(kept))
    with pytest.raises(
        FormatError, match=r"'AT \| A01 \| AT \| P5M': .* got an empty cell; fill in"
    ):
        read(tmp_path)
    table = read(tmp_path, blanks="zero")
    assert "co2Footprint_23ed_2019.csv: 1 empty cell counts as zero" in caplog.text
    emitted = numbers.sum(axis=(2, 3))
    emitted[2, 0] = emitted[1, 1] = 0
    emitted[0, 0] -= numbers[0, 0, 0, 2]
    np.testing.assert_allclose(table.F.loc["CO2"], emitted.ravel(), rtol=1e-14)
    assert "no CO2 of 2 of 6 sectors (" in caplog.text
    assert "they count as zero: FIGW1 C31_32, GR A01" in caplog.text
    assert "1 of 36 rows, in all 0 kt, are left out" in caplog.text


def test_emissions_are_read_only_if_wanted(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "co2Footprint_23ed_2019.csv").write_text("damaged")
    assert read(tmp_path, stressors="W2_D1").stressors == ("W2_D1",)
    with pytest.raises(FormatError, match="expected one column time_period, got 0 among damaged"):
        read(tmp_path, stressors="CO2")
    with pytest.raises(LabelError, match="got 'C02'; nearest are 'CO2'"):
        read(tmp_path, stressors="C02")


def test_emissions_of_industries_are_not_of_products(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written(tmp_path, "CPA_", "prod-by-prod_24ed_2019")
    footprints(tmp_path, [])
    assert read(tmp_path).stressors == tuple(INPUTS)
    assert "co2Footprint_23ed_2019.csv: emissions of industries are not of products" in caplog.text


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["2018,AT,A01,AT,P5M,1"], "expected rows of 2019, got 2018; the name says"),
        (["2019,XX,A01,AT,P5M,1"], r"expected CO2 of sectors like \('AT', 'A01'\), got \('XX',"),
        (["2019,AT,A01,XX,P5M,1"], r"expected CO2 of sectors like .*, got none"),
        (["2019,AT,A01,AT,P5M,1"] * 2, r"'AT \| A01 \| AT \| P5M': expected one record of"),
        (["2019,AT,A01,AT,P5M,1", "2019,AT,A01,AT"], "line 3: expected 6 cells, got 4"),
        (["2019,AT,A01,AT,P5M,:"], "line 2, column obs_value: expected a finite number"),
    ],
)
def test_damage_is_named(tmp_path: Path, lines: list[str], message: str) -> None:
    written(tmp_path)
    (tmp_path / "co2Footprint_23ed_2019.csv").write_text("\n".join([HEADER, *lines]) + "\n")
    with pytest.raises(FormatError, match=rf"co2Footprint_23ed_2019.csv.*{message}"):
        read(tmp_path)


def test_two_editions_of_emissions_are_refused(tmp_path: Path) -> None:
    written(tmp_path)
    for edition in (23, 24):
        footprints(tmp_path, [], f"co2Footprint_{edition}ed_2019.csv")
    with pytest.raises(FormatError, match="expected one file of CO2 in 2019, got co2Footprint_23"):
        read(tmp_path)


def test_random_damage_is_read_or_refused(tmp_path: Path) -> None:
    """Whatever happens to the bytes, it is an error of the library that names the folder."""
    rng = np.random.default_rng(4)
    matrix = written(tmp_path)
    footprints(tmp_path, DIRECT)
    path = flattened(matrix)
    matrix.unlink()
    refused = []
    for file in (path, tmp_path / "co2Footprint_23ed_2019.csv"):
        content = file.read_bytes()
        for _ in range(40):
            first, last = np.sort(rng.integers(0, len(content), 2)).tolist()
            last = min(last, first + int(rng.integers(0, 50)))
            put = [b"", b'"', b",", b"\n", b"\r", b"\0", b"\xff", b"1e999"][rng.integers(8)]
            file.write_bytes(content[:first] + put + content[last:])
            try:
                read(tmp_path)
            except CarbonFlowsError as error:
                refused.append(str(error))
        file.write_bytes(content)
    assert len(refused) > 30
    assert all(message.startswith(str(tmp_path)) for message in refused)


def test_emissions_of_figaro_e3_are_one_stressor_a_gas(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    energy(tmp_path)
    numbers = air_emissions(tmp_path, ["CO2,AT,Z99,Gg CO2e,5"])
    table = read(tmp_path)
    assert table.stressors[-2:] == ("CO2", "CH4")
    assert list(table.stressor_units)[-2:] == ["Gg CO2e"] * 2
    np.testing.assert_array_equal(table.F.iloc[-2:], numbers[:, :, :2].reshape(2, 6))
    wanted = np.zeros((2, 9))
    wanted[:, [1, 4, 7]] = numbers[:, :, 2]  # of households
    np.testing.assert_array_equal(table.F_Y.iloc[-2:], wanted)
    assert "Z99" in caplog.text
    assert read(tmp_path, stressors="CH4").stressors == ("CH4",)


def test_parts_of_households_are_summed_where_the_whole_is_lacking(tmp_path: Path) -> None:
    energy(tmp_path)
    numbers = air_emissions(tmp_path, ["CO2,AT,HH_HEAT,Gg CO2e,5"])
    path = tmp_path / "flatfile_FIGARO-e_AEM_Gg_CO2e_2015.csv"
    homes = read(tmp_path).F_Y.loc["CO2"]
    assert homes.sum() == pytest.approx(numbers[0, :, 2].sum())  # the part is in HH
    path.write_text(path.read_text().replace(",HH,", ",HH_TRA,"))
    homes = read(tmp_path).F_Y.loc["CO2"]
    assert homes["AT", "P3_S14"] == pytest.approx(numbers[0, 0, 2] + 5)
    assert homes.sum() == pytest.approx(numbers[0, :, 2].sum() + 5)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("CO2,AT,A01,Gg CO2e,5", r"'CO2 \| AT \| A01': expected one record of these labels, got 2"),
        ("CO2,AT,A02,Gg CO2e,", r"'CO2 \| AT \| A02'.*: expected a number in every cell"),
        ("CO2,AT,A02,Gg CO2e,x", "column obsValue: expected a finite number, got 'x'"),
    ],
)
def test_damage_of_emissions_of_figaro_e3_is_named(tmp_path: Path, line: str, message: str) -> None:
    energy(tmp_path)
    air_emissions(tmp_path, [line])
    with pytest.raises(FormatError, match=rf"AEM_Gg_CO2e_2015\.csv.*{message}"):
        read(tmp_path)
