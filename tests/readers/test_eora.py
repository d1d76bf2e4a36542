"""Eora26 and full Eora: fixtures in their layouts, and pymrio's numbers."""

from __future__ import annotations

import functools
import logging
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.files.eora_files import USD, WORLDS, Eora26, Full, World, pack, put

from carbonflows_fast.accounting import accounts
from carbonflows_fast.errors import FormatError, LabelError
from carbonflows_fast.readers import read
from carbonflows_fast.readers.eora._find import sheet_of
from carbonflows_fast.table import Table


def is_label(name: str) -> bool:
    return name.startswith(("labels_", "index_"))


def placed(place: str, folder: Path, files: dict[str, str]) -> Path:
    """Write files as users have them, and return the path to read."""
    labels = {name: content for name, content in files.items() if is_label(name)}
    blocks = {name: content for name, content in files.items() if not is_label(name)}
    if place == "folder":
        return put(folder, files)
    if place == "zip":
        return pack(folder / "table.zip", {f"top/{name}": files[name] for name in files})
    if place == "Windows":
        return put(folder, {name: "\ufeff" + files[name].replace("\n", "\r\n") for name in files})
    pack(folder / "indices.zip", {f"indices/{name}": labels[name] for name in labels})
    if place == "folder beside indices":
        return put(folder / "table", blocks)
    path = pack(folder / "table.zip", blocks)
    return folder if place == "zips in a folder" else path


PLACES = ["folder", "zip", "Windows", "folder beside indices", "zips in a folder", "zip beside"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", WORLDS)
def test_all_numbers_are_read(
    kind: type[World], place: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = kind()
    with caplog.at_level(logging.WARNING):
        table = read(placed(place, tmp_path, made.files()))
    made.check(table, made.inputs)
    assert (table.year, table.name[:4]) == (2010, "Eora")
    sold, final, bought = made.Z[-1].sum(), made.Y[-1].sum(), made.Z[:, -1].sum()
    for message in (
        f"kept as region ROW, sector TOTAL; it sells {sold:.6g} {USD} to sectors and {final:.6g} "
        f"to final demand, and buys {bought:.6g}",
        "1 sectors stand in several rows, which are kept apart: 'CHL | Seafood'",
        "the units of 1 of 7 rows are unknown: 'Threatened species | Plants'",
        "1 names stand in several lines and are told apart by these: 'I-GHG-CO2 emissions (Gg) | "
        "Memo item'",
    ):
        assert message in caplog.text


@pytest.mark.parametrize("kind", WORLDS)
def test_accounts_are_complete_with_the_region_row(kind: type[World], tmp_path: Path) -> None:
    made = kind()
    table = read(put(tmp_path, made.files()))
    assert table.Z[[-1]].min() < 0 < made.Z[-1].max()  # of either sign
    account = accounts(table, "I-GHG-CO2 emissions (Gg) | Transport, other")
    assert list(account.index) == ["AUS", "GBR", "CHL", "ROW"]
    whole = made.Q[1].sum() + made.QY[1].sum()
    np.testing.assert_allclose(account["production"].sum(), whole, rtol=1e-9)
    np.testing.assert_allclose(account["consumption"].sum(), whole, rtol=1e-9)


@pytest.mark.parametrize("kind", WORLDS)
def test_wanted_stressors_alone(kind: type[World], tmp_path: Path) -> None:
    made = kind()
    files = made.files()
    name = next(name for name in files if "_q." in name.lower() and not is_label(name))
    lines = files[name].splitlines()
    lines[0] = lines[0].replace(".", "x")  # is not wanted, and not parsed
    path = put(tmp_path, files | {name: "\n".join(lines)})
    wanted = "I-GHG-CO2 emissions (Gg) | Transport, other"
    table = read(path, stressors=[wanted, made.inputs[1]])
    assert table.stressors == (made.inputs[1], wanted)
    assert list(table.stressor_units) == [USD, "Gg"]
    np.testing.assert_array_equal(table.F, [made.VA[1], made.Q[1]])
    np.testing.assert_array_equal(table.F_Y, [np.zeros(len(made.demand)), made.QY[1]])
    with pytest.raises(LabelError, match=r"got 'I-GHG-CO2 .* Memo item'; nearest are '.* line \d"):
        read(path, stressors="I-GHG-CO2 emissions (Gg) | Memo item")
    with pytest.raises(FormatError, match=r"line 1, .*Natural Gas.*expected a finite number"):
        read(path)


def shorter(text: str) -> str:
    """Return a text without its first line."""
    return text[text.index("\n") + 1 :]


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("bp_FD.txt", None, r"bp_FD.txt: expected a file, got nothing of this name"),
        ("bp_QY.txt", None, r"bp_QY.txt: expected a file, got nothing of this name"),
        ("labels_Q.txt", None, r"bp_T.txt: expected labels_Q.txt with its labels, beside it or in"),
        ("bp_T.txt", lambda text: "", r"bp_T.txt: expected 8 rows, .*labels_T.txt, got 0; one of"),
        ("bp_T.txt", lambda text: text[: text.rindex("\t")],
         r"bp_T.txt, line 8 .*ROW.*: expected 8 numbers, one for each label, got 7 cells"),
        ("bp_FD.txt", lambda text: text * 2, r"bp_FD.txt, line 9: expected 8 rows, .* a row more"),
        ("bp_VA.txt", lambda text: text.split("\n")[0], r"bp_VA.txt: expected 2 rows, .* got 1"),
        ("bp_Q.txt", lambda text: text.replace("\t", ","), r"bp_Q.txt, line 1 .*got 1 cells"),
        ("bp_T.txt", lambda text: text.replace(".", ",", 1), r"T.txt, line 1, .*a finite number"),
        ("bp_FD.txt", lambda text: "nan" + text[text.index("\t") :],
         r"line 1, row 'AUS.*, column 'AUS.*Household.*: expected a finite number, got 'nan'"),
        ("labels_T.txt", lambda text: text.replace("\tCoal", " Coal"),
         r"labels_T.txt, line 4: expected country, code, entity and sector, got 3 cells: 'Country"),
        ("labels_T.txt", lambda text: text.replace("\tCHL\t", "\t\t"), r"line 6: expected country"),
        ("labels_T.txt", shorter,
         r"bp_VA.txt, line 1 .*: expected 7 numbers, one for each label, got 8 cells"),
        ("labels_FD.txt", shorter,
         r"bp_QY.txt, line 1 .*: expected 7 numbers, one for each label, got 8 cells"),
        ("labels_VA.txt", shorter, r"bp_VA.txt, line 2: expected 1 rows, .* got a row more"),
        ("labels_FD.txt", lambda text: text.replace("\tCHL\t", "\tCHI\t"),
         r"labels_FD.txt: demand: expected regions of the table, got 'CHI' at"),
        ("labels_Q.txt", lambda text: text.replace("(Gg)", "(Gg)\t"),
         r"labels_Q.txt, line 2: expected group and item, got 3 cells"),
        ("labels_VA.txt", lambda text: text.replace("Primary", "\udcff"), "expected UTF-8 text"),
    ],
)  # fmt: skip
def test_damage_to_eora26_is_named(
    tmp_path: Path, name: str, change: Callable[[str], str] | None, message: str
) -> None:
    refused(Eora26().files(), tmp_path, name, change, message)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("eora_y.csv", None,
         r"2010_eora_t.csv: expected a file of block Y beside it, in basic prices, got "
         r".*2010_eora_q.csv, .*; add it, or name it as T is named, with Y"),
        ("index_v.csv", None, r"eora_t.csv: expected index_v.csv with its labels, beside it or in"),
        ("eora_q.csv", lambda text: text.replace(",", "\n", 1),
         r"eora_q.csv, line 1 .*: expected 16 numbers, one for each label, got 1 cells"),
        ("eora_v.csv", lambda text: text + text, r"eora_v.csv, line 5: expected 4 rows, one for e"),
        ("index_t.csv", lambda text: text.replace("Entity", "Kind"),
         r"index_t.csv, line 1: expected columns CountryA3, Entity and Sector, got 5 cells"),
        ("index_q.csv", lambda text: text.replace("LineItems", "Items"),
         r"index_q.csv, line 1: expected a column LineItems behind that of groups, got 4 cells"),
        ("index_q.csv", lambda text: "", r"index_q.csv, line 1: expected a column LineItems"),
        ("index_y.csv", lambda text: text.replace(', "Final Demand"', "", 1),
         r"index_y.csv, line 2: expected 5 cells, got 4 cells: '0 \| AUS \| AUS \| Household"),
        ("index_t.csv", lambda text: text.replace('Seafood"', "Seafood", 1),
         r"index_t.csv, line 7: expected closed quotes \(unexpected end of data\), got 1 cells"),
        ("index_t.csv", lambda text: text.replace('"TOTAL"', '""'), "expected a text for every l"),
    ],
)  # fmt: skip
def test_damage_to_full_eora_is_named(
    tmp_path: Path, name: str, change: Callable[[str], str] | None, message: str
) -> None:
    refused(Full().files(), tmp_path, name, change, message)


def refused(
    files: dict[str, str], folder: Path, ending: str, change: Callable[[str], str] | None,
    message: str,
) -> None:  # fmt: skip
    """Change the file of this ending, or leave it out, and read."""
    (name,) = (name for name in files if name.endswith(ending))
    path = put(folder, {key: content for key, content in files.items() if key != name})
    if change is not None:
        changed = change(files[name])
        assert changed != files[name]
        (path / name).write_bytes(changed.encode(errors="surrogateescape"))
    with pytest.raises(FormatError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_years_and_prices_are_chosen(tmp_path: Path) -> None:
    worlds = {"2010_bp": Eora26(1), "2010_pp": Eora26(2), "2011_bp": Eora26(3)}
    for name, made in worlds.items():
        put(tmp_path, made.files(f"Eora26_{name}"))
    assert read(tmp_path, year=2011).name == "Eora26 2011 bp"
    both = r"Eora26_2010_bp_T.txt, Eora26_2010_pp_T.txt"
    with pytest.raises(FormatError, match=rf"got 2 of that year \({both}\); give the path"):
        read(tmp_path, year=2010)
    with pytest.raises(FormatError, match=rf"one table, got 3 tables \({both}, Eora26_2011"):
        read(tmp_path)
    for name, made in worlds.items():  # what the remedy says: the path of its file
        made.check(read(tmp_path / f"Eora26_{name}_T.txt"), made.inputs)


def test_each_zip_has_its_own_labels(tmp_path: Path) -> None:
    files = Eora26().files()
    other = {name.replace("2010", "2011"): content for name, content in files.items()}
    other["labels_T.txt"] = other["labels_T.txt"].replace("TOTAL", "ALL")
    pack(tmp_path / "Eora26_2010_bp.zip", files)
    pack(tmp_path / "Eora26_2011_bp.zip", other)
    assert [read(tmp_path, year=year).sectors[-1] for year in (2010, 2011)] == ["TOTAL", "ALL"]
    blocks = {name: content for name, content in files.items() if not is_label(name)}
    pack(tmp_path / "Eora26_2010_bp.zip", blocks)
    assert read(tmp_path, year=2010).sectors[-1] == "ALL"  # the only ones
    pack(tmp_path / "Eora26_2012_bp.zip", other)
    with pytest.raises(FormatError, match=r"one such file for .*2010_bp_T.txt, got .*2011.*2012"):
        read(tmp_path, year=2010)


@pytest.mark.parametrize(
    ("pattern", "year"),
    [("{}.csv", None), ("T-Results/{}-Results_2015.CSV", 2015), ("Basic prices/2009/{}.csv", 2009),
     ("20160113_AllCountries_002_{}-Results_2012_082_Markup001(full).csv", 2012),
     ("Eora_v199.82_1990_BasicPrice_{}.csv", 1990)],
)  # fmt: skip
def test_names_of_full_eora(pattern: str, year: int | None) -> None:
    for block in "TYVQ":
        for name in (block, block.lower()):
            assert sheet_of(pattern.format(name)) == (block, year, True)


@pytest.mark.parametrize(
    "name",
    ["2010_eora_t_tax.csv", "trade margins/T.csv", "T_Markup004(full).csv", "2010_T_StdDev.csv",
     "PurchasersPrice/T.csv"],
)  # fmt: skip
def test_other_sheets_are_left_alone(tmp_path: Path, name: str) -> None:
    made = Full()
    files = made.files()
    put((tmp_path / name).parent, {Path(name).name: "nonsense"})
    put(tmp_path, {key: content for key, content in files.items() if key != "2010_eora_t.csv"})
    with pytest.raises(FormatError, match=r"basic prices, got other sheets alone: ") as caught:
        read(tmp_path)
    assert name in str(caught.value)
    put(tmp_path, files)
    made.check(read(tmp_path), made.inputs)


def test_blocks_without_indices_are_no_eora(tmp_path: Path) -> None:
    files = {name: content for name, content in Full().files().items() if not is_label(name)}
    with pytest.raises(FormatError, match="a table in a known layout"):
        read(put(tmp_path, files))
    with pytest.raises(FormatError, match=r"layout eora .* T.csv, .* with index_t.csv: full Eora"):
        read(tmp_path, format="eora")


def same_as_pymrio(table: Table, folder: Path, year: int) -> None:
    """Compare the rows and columns that pymrio keeps, which are not those of ROW."""
    import pymrio

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = pymrio.parse_eora26(folder, year)
    n, m = other.Y.shape
    assert set(table.regions) - {"ROW"} == set(other.get_regions())
    assert [(region, sector.split(" | ")[-1]) for region, sector in table.x.index[:n]] == list(
        other.Z.index
    )
    assert list(table.demand)[:m] == list(other.Y.columns)
    # pymrio reads by a parser of pandas that is exact in some of its versions only.
    same = functools.partial(np.testing.assert_allclose, rtol=1e-14, atol=0)
    same(table.Z.toarray()[:n, :n], other.Z)
    same(table.Y.to_numpy()[:n, :m], other.Y)
    F, F_Y = table.F.to_numpy()[:, :n], table.F_Y.to_numpy()[:, :m]
    same(F, np.concatenate([other.VA.F, other.Q.F]))
    same(F_Y[len(other.VA.F) :], other.Q.F_Y)
    assert not F_Y[: len(other.VA.F)].any()


def test_without_row_the_numbers_are_those_of_pymrio(tmp_path: Path) -> None:
    made = Eora26()
    made.Q = made.Q.round(3)
    path = put(tmp_path, made.files())
    same_as_pymrio(read(path), path, 2010)


@pytest.mark.real_data
def test_the_sample_is_read_as_pymrio_reads_it(real_data: Path) -> None:
    path = real_data / "formats" / "eora26_mock"
    table = read(path)
    same_as_pymrio(table, path, 2010)
    assert table.demand[1][1].endswith("households (NPISH)")
    assert table.stressors[1] == "I-GHG-CO2 emissions (kg) | emission_type1"
    assert list(table.stressor_units) == [USD, "kg", "kg"]
    assert len(table.x) == 48
    assert (table.x > 0).all()
