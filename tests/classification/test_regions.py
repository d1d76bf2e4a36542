"""Countries and groups of them, and the regions of every database."""

from __future__ import annotations

import csv
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from support.worlds.small_table import SENTENCE

from carbonflows_fast.classification import country_of, load, region_groups, regions_in
from carbonflows_fast.errors import InputError, LabelError

# Regions of WIOD's 2013 release: Romania is ROM, Croatia is in the rest of the world.
WIOD = [
    "AUS", "AUT", "BEL", "BGR", "BRA", "CAN", "CHN", "CYP", "CZE", "DEU", "DNK", "ESP", "EST",
    "FIN", "FRA", "GBR", "GRC", "HUN", "IDN", "IND", "IRL", "ITA", "JPN", "KOR", "LTU", "LUX",
    "LVA", "MEX", "MLT", "NLD", "POL", "PRT", "ROM", "RUS", "SVK", "SVN", "SWE", "TUR", "TWN",
    "USA", "RoW",
]  # fmt: skip
EXIOBASE = load("exiobase3_regions")["code"].tolist()
# Rests of the world, and what no country of today is: WF is Wallis and Futuna where it is alone.
NO_COUNTRY = {
    "RoW", "ROW", "FIGW1", "WA", "WL", "WE", "WM", "XAM", "XEU", "XAF", "XAS", "ANT", "DYE", "USR",
}  # fmt: skip


def chosen(regions: list[str], wanted: Any) -> list[str]:
    mask = regions_in(regions, wanted)
    assert len(mask) == len(regions)
    return [region for region, there in zip(regions, mask, strict=True) if there]


# --- the files ------------------------------------------------------------------------------


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


# --- regions of a table ---------------------------------------------------------------------


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


def test_parts_of_a_country_belong_where_it_does() -> None:
    oecd = ["CHN", "MEX", "ROW", "CN1", "CN2", "CN3", "CN4", "MX1", "MX2", "MX3"]
    assert chosen(oecd, "China") == ["CHN", "CN1", "CN2", "CN3", "CN4"]
    assert chosen(oecd, "OECD") == ["MEX", "MX1", "MX2", "MX3"]
    assert chosen(["US-GA", "RoUS"], "USA") == ["US-GA", "RoUS"]


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
        (["AUS", "Austr"], LabelError, r"got 'Austr'; nearest are 'Austria', 'AUT', 'AUS'"),
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


# --- real tables -----------------------------------------------------------------------------


@pytest.mark.real_data
def test_every_region_is_known_or_no_country(real_data: Path) -> None:
    lists = sorted((real_data / "labels").glob("*_regions.csv"))
    assert len(lists) >= 15
    unknown: set[str] = set()
    for path in lists:
        rows = [*csv.DictReader(path.read_text(encoding="utf-8").splitlines())]
        codes = [row["code"] for row in rows]
        of = {row["code"]: (country_of(row["code"]), country_of(row["name"])) for row in rows}
        unknown |= {code for code, found in of.items() if found == (None, None)}
        odd = {code for code, (by_code, by_name) in of.items() if by_code != by_name}
        assert odd <= {"WF"}, path.name
        members = sum(regions_in(codes, "EU27"))
        assert members == 27 - (path.stem == "wiod2013_regions"), path.name
        assert sum(regions_in(codes, "G7")) == 7, path.name
    assert unknown == NO_COUNTRY
