"""The shipped classifications, and what is looked up in them."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_table import SENTENCE

from carbonflows_fast import classification
from carbonflows_fast.classification import (
    CLASSES,
    STUDIES,
    country_of,
    load,
    region_groups,
    regions_in,
    sector_classes,
    study_sectors,
    system_of,
)
from carbonflows_fast.classification._files import label_key
from carbonflows_fast.classification._sectors import SYSTEMS
from carbonflows_fast.errors import InputError, LabelError

SIZES = {"exiobase3_pxp": 200, "exiobase3_ixi": 163, "wiod2013": 35}

# Regions of WIOD's 2013 release: Romania is ROM, Croatia is in the rest of the world.
WIOD = [
    "AUS", "AUT", "BEL", "BGR", "BRA", "CAN", "CHN", "CYP", "CZE", "DEU", "DNK", "ESP", "EST",
    "FIN", "FRA", "GBR", "GRC", "HUN", "IDN", "IND", "IRL", "ITA", "JPN", "KOR", "LTU", "LUX",
    "LVA", "MEX", "MLT", "NLD", "POL", "PRT", "ROM", "RUS", "SVK", "SVN", "SWE", "TUR", "TWN",
    "USA", "RoW",
]  # fmt: skip
EXIOBASE = load("exiobase3_regions")["code"].tolist()


def names(system: str) -> list[str]:
    return list(load(system)["name"])


def chosen(regions: list[str], wanted: Any) -> list[str]:
    mask = regions_in(regions, wanted)
    assert len(mask) == len(regions)
    return [region for region, there in zip(regions, mask, strict=True) if there]


# --- the files ------------------------------------------------------------------------------


def test_all_files_are_listed_and_hold_text() -> None:
    assert set(classification.available()) == {
        *SYSTEMS, "exiobase3_regions", "ghg_stressors", "gwp100", "icf2011", "region_groups",
        "regions", "studies",
    }  # fmt: skip
    for name in classification.available():
        raw = Path(classification.__file__).with_name(f"{name}.csv").read_bytes()
        assert b"\r" not in raw
        assert raw.endswith(b"\n")
        frame = load(name)
        assert all(isinstance(value, str) for value in frame.to_numpy().ravel())
        assert not frame.duplicated().any()


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_sector_has_one_class_and_a_reason(system: str) -> None:
    frame = load(system)
    assert list(frame.columns) == ["code", "name", "aliases", "class", "reason"]
    assert len(frame) == SIZES[system]
    assert set(frame["class"]) == set(CLASSES)
    assert (frame["reason"].str.strip() != "").all()
    aliases = [a for cell in frame["aliases"] for a in cell.split("|") if a]
    # An alias may differ from its own name by blanks alone; no key may mean two sectors.
    owners: dict[str, set[str]] = {}
    for row in frame.to_dict("records"):
        for text in (row["code"], row["name"], *row["aliases"].split("|")):
            owners.setdefault(label_key(text), set()).add(row["code"])
    owners.pop("", None)
    assert all(len(codes) == 1 for codes in owners.values())
    assert len(sector_classes(aliases, system)) == len(aliases)


def test_one_class_boundary_in_both_exiobase_systems() -> None:
    pxp, ixi = (
        {row["code"][1:]: row["class"] for row in load(system).to_dict("records")}
        for system in ("exiobase3_pxp", "exiobase3_ixi")
    )
    shared = pxp.keys() & ixi.keys()
    assert len(shared) > 100
    assert all(pxp[code] == ixi[code] for code in shared)


def test_each_study_has_sectors_in_each_system() -> None:
    frame = load("studies")
    assert list(frame.columns) == ["system", "study", "code", "match", "note"]
    assert not frame.duplicated(["system", "study", "code"]).any()
    assert set(zip(frame["system"], frame["study"], strict=True)) == {
        (system, study) for system in SYSTEMS for study in STUDIES
    }
    assert set(frame["match"]) <= {"exact", "part", "wider"}
    assert (frame["note"].str.strip() != "").all()
    for system in SYSTEMS:
        assert set(frame.loc[frame["system"] == system, "code"]) <= set(load(system)["code"])


def test_each_key_means_one_country() -> None:
    frame = load("regions")
    assert list(frame.columns) == ["iso3", "iso2", "name", "aliases"]
    assert len(frame) == 250
    for row in frame.to_dict("records"):
        assert re.fullmatch("[A-Z]{3}", row["iso3"])
        assert re.fullmatch("[A-Z]{2}", row["iso2"])
        for text in (row["iso3"], row["iso2"], row["name"], *row["aliases"].split("|")):
            assert not text or country_of(text) == row["iso3"], text
    assert country_of("NA") == "NAM"


def test_groups_have_known_members_and_the_right_number_of_them() -> None:
    frame = load("region_groups")
    assert list(frame.columns) == ["group", "iso3", "note"]
    assert not frame.duplicated(["group", "iso3"]).any()
    assert set(frame["iso3"]) <= set(load("regions")["iso3"])
    counts = frame["group"].value_counts()
    for group, count in {
        "EU15": 15, "EU27": 27, "EU28": 28, "OECD": 38, "EU ETS 2005": 25, "EU ETS 2009": 30,
        "EU ETS 2013": 31, "EU ETS 2021": 30, "G7": 7, "Annex I": 42, "Annex B": 37,
    }.items():  # fmt: skip
        assert counts[group] == count, group
    assert set(region_groups()) == set(counts.index)
    assert all(country_of(group) is None for group in region_groups())
    members = frame.groupby("group")["iso3"].agg(set)
    assert members["EU28"] - members["EU27"] == {"GBR"}
    assert members["EU ETS 2020"] - members["EU ETS 2021"] == {"GBR"}


# --- sectors --------------------------------------------------------------------------------


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_system_is_found_by_names_codes_and_parts(system: str) -> None:
    frame = load(system)
    assert system_of(frame["name"].tolist()) == system
    assert system_of(frame["code"].tolist()) == system
    assert system_of([f"  {name.upper()} ".replace(" ", "  ") for name in frame["name"]]) == system
    assert system_of(frame["name"].tolist()[:4] * 3) == system
    assert system_of([*frame["name"], "Moon dust"]) is None
    assert sector_classes(frame["name"]) == tuple(frame["class"])
    assert sector_classes(frame["code"], system) == tuple(frame["class"])


def test_no_sectors_belong_to_no_system() -> None:
    assert system_of([]) is None
    assert sector_classes([]) == ()


def test_older_spellings_are_known() -> None:
    assert system_of(["Wholesale Trade", "Public Admin and Defence"]) == "wiod2013"
    # Of EXIOBASE's two systems the first, where both have the label.
    assert system_of(["Private households with employed persons (95)"]) == "exiobase3_pxp"


def test_classes_of_ones_own() -> None:
    edited = load("wiod2013")
    edited.loc[edited["code"] == "27t28", "class"] = "product"
    label = "Basic Metals and Fabricated Metal"
    assert sector_classes([label]) == ("commodity",)
    assert sector_classes([label], edited) == ("product",)
    assert sector_classes([label, label], edited[["name", "class"]]) == ("product",) * 2
    assert sector_classes(["27t28"], edited[["code", "class"]]) == ("product",)
    assert sector_classes(["Coal", "coal"], {" COAL": "energy", "other": "service"}) == (
        "energy",
        "energy",
    )
    blank = edited.assign(aliases=np.nan)
    assert sector_classes([label], blank) == ("product",)
    with pytest.raises(LabelError):
        sector_classes(["nan"], blank)


@pytest.mark.parametrize(
    ("sectors", "classes", "error", "match"),
    [
        (["a", "b"], None, LabelError, r"none for 2 of them in any shipped system: 'a', 'b'"),
        (["Construction", *"uvwxyz"], None, LabelError,
         r"for 6 of them in wiod2013, the nearest: 'u', .*'y' and 1 more; give classes="),
        (["C", "F"], None, LabelError, r"none for 2 of them in any shipped system: 'C', 'F'"),
        (["a", "b"], {"a": "energy"}, LabelError, r"none for 1 of them in those given: 'b'"),
        (["Wheat"], "wiod2013", LabelError, r"'Wheat'"),
        (["a"], "wiod2016", LabelError, r"got 'wiod2016'; the nearest is 'wiod2013'"),
        (["a"], {"a": "goods"}, InputError, r"commodity, product, service, got 'goods' for 'a'"),
        (["a"], {"a": np.nan}, InputError, r"got nan for 'a'"),
        (["a"], {"a": "energy", "A ": "product"}, InputError, r"'energy' and 'product' for 'A '"),
        (["a"], ["energy"], InputError, r"got list; edit"),
        (["a"], 5, InputError, r"got int"),
        (["a"], load("wiod2013")[["name"]], InputError, r"got columns name;"),
        (["a"], load("wiod2013")[["class"]], InputError, r"got columns class;"),
    ],
)  # fmt: skip
def test_classes_refused(
    sectors: list[str], classes: Any, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=rf"^classes: .*{match}") as caught:
        sector_classes(sectors, classes)
    assert SENTENCE.match(str(caught.value)), str(caught.value)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("study", STUDIES)
def test_study_sectors_are_those_of_the_file(study: str, system: str) -> None:
    frame, rows = load(system), load("studies")
    rows = rows[(rows["system"] == system) & (rows["study"] == study)]
    expected = frame.loc[frame["code"].isin(rows["code"]), "name"].tolist()
    labels, notes = study_sectors(study, [*frame["name"], *frame["name"]])
    assert list(labels) == expected
    assert len(notes) == len(labels)
    for label, note, (_, row) in zip(labels, notes, rows.iterrows(), strict=True):
        assert note == f"{row['match']}: {label}: {row['note']}"


@pytest.mark.parametrize(
    ("study", "sectors", "match"),
    [
        ("stele", names("wiod2013"), r"steel, aluminium, .*got 'stele'"),
        (None, names("wiod2013"), r"got None"),
        ("steel", ["coal", "steel"], r"2 sectors of none of them: 'coal', 'steel'; name the"),
        ("steel", [], r"0 sectors"),
        ("cotton", names("exiobase3_pxp")[:4], r"without 'Plant-based fibers'; name sectors that"),
        ("steel", ["Basic iron and steel and of ferro-alloys and first products thereof", "Wheat"],
         r"without 'Secondary steel .*'; name 'Basic iron .*' alone instead"),
    ],
)  # fmt: skip
def test_study_refused(study: Any, sectors: list[str], match: str) -> None:
    with pytest.raises(LabelError, match=rf"^study: .*{match}") as caught:
        study_sectors(study, sectors)
    assert SENTENCE.match(str(caught.value)), str(caught.value)


# --- regions --------------------------------------------------------------------------------


def test_groups_in_wiod() -> None:
    european = chosen(WIOD, "EU28")
    assert len(european) == 27
    assert "ROM" in european
    assert chosen(WIOD, " eu28 ") == european
    assert [r for r in european if r not in chosen(WIOD, "EU27")] == ["GBR"]
    assert len(chosen(WIOD, "EU ETS 2009")) == 27  # Iceland, Liechtenstein, Norway are not there
    assert chosen(WIOD, "BRICS") == ["BRA", "CHN", "IND", "RUS"]


def test_countries_by_any_key() -> None:
    for wanted in ("Romania", "ROU", "ro", "ROM", "rom", " Romania "):
        assert chosen(WIOD, wanted) == ["ROM"], wanted
        assert chosen(EXIOBASE, wanted) == ["RO"], wanted
    for wanted in ("Türkiye", unicodedata.normalize("NFD", "Türkiye"), "TÜRKİYE", "Turkey"):
        assert chosen(WIOD, wanted) == ["TUR"], wanted
    for wanted in (
        ["Japan", "RoW", "Japan"],
        ("RoW", "JP"),
        {"JPN", "row"},
        frozenset({"jp", "RoW"}),
    ):
        assert chosen(WIOD, wanted) == ["JPN", "RoW"]
    assert chosen(["Germany", "Rest of the world"], "EU27") == ["Germany"]


def test_rests_of_the_world_are_no_countries() -> None:
    assert country_of("WF") == "WLF"
    assert chosen(EXIOBASE, "WF") == chosen(EXIOBASE, "wf") == ["WF"]
    with pytest.raises(LabelError, match=r"'Wallis and Futuna' \(WLF\), of which it has no"):
        regions_in(EXIOBASE, "Wallis and Futuna")
    assert chosen(["FR", "WF"], "Wallis and Futuna") == ["WF"]
    assert len(chosen(EXIOBASE, "EU27")) == 27
    every = {country_of(code) for code in EXIOBASE} - {None}
    assert len(every) == 45  # 44 countries, and WF


def test_labels_of_the_table_win() -> None:
    assert chosen(["EU27", "DEU"], "EU27") == ["EU27"]
    assert chosen(["DE", "deu"], "deu") == ["deu"]
    assert chosen(["DE", "deu"], "Germany") == ["DE", "deu"]


@pytest.mark.parametrize(
    ("wanted", "error", "match"),
    [
        ("EU72", LabelError, r"got 'EU72'; nearest are 'EU2.*'"),
        ("Atlantis", LabelError, r"got 'Atlantis'; nearest are "),
        ("Croatia", LabelError, r"country 'Croatia' \(HRV\), of which it has no region.*'AUS'"),
        (["AUS", "Austr"], LabelError, r"got 'Austr'; nearest are 'AUT', 'AUS'"),
        ([], InputError, r"at least one"),
        (5, LabelError, r"got 5;"),
        (None, LabelError, r"got None;"),
    ],
)
def test_regions_refused(wanted: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=rf"^regions: .*{match}") as caught:
        regions_in(WIOD, wanted)
    assert SENTENCE.match(str(caught.value)), str(caught.value)


def test_a_group_without_a_region_is_refused() -> None:
    with pytest.raises(LabelError, match=r"the group 'G7', of which .*regions are 'CHN', 'RoW'"):
        regions_in(["CHN", "RoW"], "g7")


# --- a real table ---------------------------------------------------------------------------


@pytest.mark.real_data
@pytest.mark.parametrize("year", [2000, 2005, 2009])
def test_real_labels_are_known(real_data: Path, year: int) -> None:
    import carbonflows_fast as cf

    table = cf.read(real_data / f"wiod2013_{year}.zip", progress=False)
    assert system_of(table.sectors) == "wiod2013"
    assert len(sector_classes(table.sectors)) == 35
    assert sum(regions_in(table.regions, "EU28")) == 27
    assert sum(map(bool, map(country_of, table.regions))) == 40
    for study in STUDIES:
        labels, _ = study_sectors(study, table.sectors)
        assert len(labels) == 1
