"""The OECD's emissions beside its tables, by fixtures in their layouts."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from support.files.oecd_emission_files import AREAS, CODES, SDMX, row, sdmx, table, values

import carbonflows_fast as cf
from carbonflows_fast.errors import FormatError, LabelError
from carbonflows_fast.readers import read
from carbonflows_fast.readers._into_table._separate_accounts import Account, add_account


def test_greenhouse_gases(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    table(tmp_path)
    given = values()
    totals = [row(a, "_T", sum(given[a, c] for c in CODES)) for a in AREAS]
    sdmx(tmp_path, given, *totals, row("AUS", "HH", 4.25), row("WLD", "T", 50), row("AUS", "B", 3))
    with caplog.at_level(logging.INFO):
        made = read(tmp_path)
    assert made.stressors == ("TLS", "VA", "PROD_GHG")
    assert made.stressor_units["PROD_GHG"] == "Mt CO2-eq"
    assert made.extensions[-1] == "emissions"
    assert made.F.loc["PROD_GHG"].to_dict() == given
    assert made.F_Y.loc["PROD_GHG"].to_dict()["AUS", "HFCE"] == 4.25
    assert made.F_Y.loc["PROD_GHG"].sum() == 4.25
    (record,) = caplog.records  # the totals agree, so what is left out are sums
    assert record.levelname == "INFO"
    assert "PROD_GHG of no sector of the table is left out, in all 53 Mt CO2-eq: WLD; B" in (
        record.getMessage()
    )


def test_gaps_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    table(tmp_path)
    given = values()
    del given["CHN", "C24A"]
    for code in CODES:
        del given["ROW", code]
    given["AUS", "_T"] = 400.0
    sdmx(tmp_path, given, row("CHN", "C24A", ""), row("AUS", "HH", ""))
    made = read(tmp_path, stressors=["PROD_GHG"])
    assert made.stressors == ("PROD_GHG",)
    assert made.F.loc["PROD_GHG"].to_dict() == {**dict.fromkeys(made.rows, 0.0), **{
        pair: value for pair, value in given.items() if pair[1] != "_T"}}  # fmt: skip
    assert "no PROD_GHG of households" in caplog.text
    assert "no PROD_GHG of 4 of 9 sectors (" in caplog.text
    assert "count as zero: all of ROW, CHN C24A" in caplog.text
    assert "differs by more than 1 % from the total of 1 of 3 regions: AUS 7.5 of 400 Mt" in (
        caplog.text
    )


def test_the_rest_of_the_world(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    table(tmp_path)
    sdmx(tmp_path, values(["AUS", "CHN", "WXD"]), row("AUS", "HH", 1))
    made = read(tmp_path)
    assert made.F.loc["PROD_GHG"].tolist() == list(values().values())
    (message,) = (record.getMessage() for record in caplog.records)
    assert message.endswith("DF_MAIN.csv: WXD is taken for ROW of the table")
    sdmx(tmp_path, values([*AREAS, "WXD"]), row("AUS", "HH", 1))
    assert read(tmp_path).F.loc["PROD_GHG"].tolist() == list(values().values())
    assert "PROD_GHG of no sector of the table is left out, in all 97.5 Mt CO2-eq: WXD" in (
        caplog.text
    )


@pytest.mark.parametrize("header", ["VAR|COU|PAR|IND|TIME|Value", ""])
@pytest.mark.parametrize("household", ["FNLC", "DMHH"])
def test_combustion_in_the_tables_of_split_countries(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, header: str, household: str
) -> None:
    table(tmp_path, 2021, ["01T02", "24", "97T98"])
    given = values(codes=["01T02", "24", "97T98"])
    lines = [f"PROD_CO2|{a}|WLD|D{c}|2018|{v}" for (a, c), v in given.items()]
    lines += [f"PROD_CO2|{a}|AUS|D{c}|2018|9" for a, c in given]
    lines += [f"EXGR_TCO2|{a}|WLD|D{c}|2018|9" for a, c in given]
    for area in AREAS:
        total = sum(value for pair, value in given.items() if pair[0] == area) + 2
        lines += [f"PROD_CO2|{area}|WLD|DTOTAL|2018|{total}"]
        lines += [f"PROD_CO2|{area}|WLD|{household}|2018|2"]
    text = "\n".join([header, *lines] if header else lines) + "\n"
    (tmp_path / "IO_GHG_2021_aout2023.csv").write_text(text)
    made = read(tmp_path)
    assert made.regions == ("AUS", "CHN", "ROW")
    emitted = made.F.loc["PROD_CO2"].groupby(level=[0, 1]).sum()
    assert emitted.to_dict() == pytest.approx(given, rel=1e-14)
    of_china, x = made.F.loc["PROD_CO2"].loc["CHN"], made.x.loc["CHN"]
    for code in ("01T02", "24", "97T98"):
        assert len(x[code]) == 3
        np.testing.assert_allclose(of_china[code] / x[code], given["CHN", code] / x[code].sum())
    assert set(made.F_Y.loc["PROD_CO2"]) == {0.0, 2.0}
    assert made.F_Y.loc["PROD_CO2"].sum() == 6
    assert made.stressor_units["PROD_CO2"] == "Mt"
    (record,) = caplog.records
    split = "PROD_CO2 of 3 sectors of CHN that have several rows is split over them by output."
    assert record.getMessage().endswith(f"IO_GHG_2021_aout2023.csv: {split}")
    assert made.notes[-1] == split
    (tmp_path / "IO_GHG_2021_aout2023.csv").write_text(text.replace("|", ","))
    assert read(tmp_path).equals(made)


def test_emissions_of_a_sector_whose_parts_make_nothing_are_not_lost() -> None:
    rows = {"regions": ["CHN"] * 4, "sectors": ["a", "b", "a", "b"]}
    demand = {"Y": [0, 3, 0, 0.0], "demand": [("CHN", "h")]}
    empty = cf.Table(Z=np.zeros((4, 4)), F=np.zeros((1, 4)), stressors="VA", **rows, **demand)
    account = Account(
        "file", "CO2", "Mt", {("CHN", "a"): 5.0, ("CHN", "b"): 7.0}, {("CHN", "h"): 1}
    )
    assert add_account(empty, account).F.loc["CO2"].tolist() == [5, 7, 0, 0]


def test_a_year_that_the_emissions_lack(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    table(tmp_path)
    (tmp_path / "DF_MAIN.csv").write_text(f"{SDMX}\n{row('AUS', 'T', 1).replace('2018', '2015')}\n")
    assert read(tmp_path).stressors == ("TLS", "VA")
    told = "measure PROD_GHG; unit T_CO2E; year 2015"
    assert f"no PROD_GHG of 2018, the table goes without ({told})" in caplog.text
    with pytest.raises(FormatError, match=f"expected PROD_GHG of 2018, got {told}; take the file"):
        read(tmp_path, stressors="PROD_GHG")
    with pytest.raises(LabelError, match="got 'PROD_GH'; nearest are 'PROD_GHG'"):
        read(tmp_path, stressors="PROD_GH")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([row("AUS", "T", 1, power=3)], "expected UNIT_MULT 6, million tonnes, got 3"),
        ([row("AUS", "T", 1)] * 2, r"'AUS \| T': expected one record of these labels, got 2"),
        ([row("AUS", "HH", 1), row("AUS", "FNLC", 1)], "expected one code for each activity"),
        ([row("AUS", "C24", 1)], r"expected PROD_GHG of sectors like \('AUS', 'A01_02'\), got"),
        ([row("AUS", "T", "x")], "line 2, column OBS_VALUE: expected a finite number, got 'x'"),
        (["x,AUS,PROD_GHG"], "line 2: expected 8 cells, got 3"),
    ],
)
def test_damage_is_named(tmp_path: Path, lines: list[str], message: str) -> None:
    table(tmp_path)
    (tmp_path / "DF_MAIN.csv").write_text("\n".join([SDMX, *lines]) + "\n")
    with pytest.raises(FormatError, match=rf"DF_MAIN.csv.*{message}"):
        read(tmp_path)
    (tmp_path / "DF_MAIN_2025.csv").write_text(SDMX)
    with pytest.raises(FormatError, match=r"one file of PROD_GHG, got DF_MAIN\.csv, DF_M"):
        read(tmp_path)
