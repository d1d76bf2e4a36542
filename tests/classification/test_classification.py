"""The shipped classifications, and what is looked up in them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.worlds.small_table import SENTENCE

from carbonflows_fast import classification
from carbonflows_fast.classification import (
    CLASSES,
    STUDIES,
    country_of,
    load,
    regions_in,
    sector_classes,
    study_sectors,
    system_of,
)
from carbonflows_fast.classification._files import label_key
from carbonflows_fast.classification._sectors import SYSTEMS
from carbonflows_fast.errors import InputError, LabelError

SIZES = {
    "exiobase3_pxp": 200, "exiobase3_ixi": 163, "wiod2013": 35, "wiod2016": 56, "figaro": 64,
    "oecd2016": 34, "oecd2018": 36, "oecd2023": 45, "oecd2025": 50, "eora26": 27, "gloria": 120,
    "useeio411": 411, "gtap": 80,
}  # fmt: skip


def names(system: str) -> list[str]:
    return list(load(system)["name"])


# --- the files ------------------------------------------------------------------------------


def test_all_files_are_listed_and_hold_text() -> None:
    assert set(classification.available()) == {
        *SYSTEMS, "exiobase3_regions", "ghg_stressors", "gwp100", "icf2011", "region_groups",
        "regions", "studies", "eu_members", "ambiguous_regions", "rests_of_world",
        "cbam", "cbam_phase_in",
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


def test_what_several_systems_have_has_one_class_but_for_codes_of_two_classifications() -> None:
    classes: dict[str, set[str]] = {}
    for system in SYSTEMS:
        for row in load(system).to_dict("records"):
            for text in (row["code"], row["name"], *filter(None, row["aliases"].split("|"))):
                classes.setdefault(label_key(text), set()).add(row["class"])
    # WIOD of 2013 has the codes of ISIC 3, the OECD's later tables those of ISIC 4.
    assert {key for key, found in classes.items() if len(found) > 1} == {"19", "23", "26", "e"}


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


# --- sectors --------------------------------------------------------------------------------


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_system_is_found_by_names_codes_and_parts(system: str) -> None:
    frame = load(system)
    assert system_of(frame["name"].tolist()) == system
    assert system_of(frame["code"].tolist()) == system
    assert system_of([f"  {name.upper()} ".replace(" ", "  ") for name in frame["name"]]) == system
    assert system_of(frame["name"].tolist()[::2] * 3) == system
    assert system_of([*frame["name"], "Moon dust"]) is None
    assert sector_classes(frame["name"]) == tuple(frame["class"])
    assert sector_classes(frame["code"], system) == tuple(frame["class"])


def test_other_codes_of_a_system_are_aliases() -> None:
    for system, at, first in (("figaro", 0, "CPA_A01"), ("figaro", 1, "Products of agriculture"),
                              ("oecd2023", 0, "01T02")):  # fmt: skip
        frame = load(system)
        cells = zip(frame["aliases"].str.split("|"), frame["name"], strict=True)
        labels = [aliases[at] if at < len(aliases) else name for aliases, name in cells]
        assert labels[0].startswith(first)
        assert len(set(labels)) == len(frame)
        assert system_of(labels) == system
        assert sector_classes(labels) == tuple(frame["class"])


@pytest.mark.parametrize(
    ("sectors", "system", "expected"),
    [
        # Alike in WIOD 2016, FIGARO and the OECD's tables: any of them will do.
        (["A03", "C16", "C19"], "wiod2016", ("commodity", "commodity", "energy")),
        (["C17_18", "D", "J62_63"], "oecd2023", ("product", "energy", "service")),
        # WIOD's cloth and chemicals, or the OECD's paper and metals, in one class by chance.
        (["17T18", "24"], "wiod2013", ("product", "commodity")),
        # A single label that others lack decides.
        (["19", "24", "34t35"], "wiod2013", ("product", "commodity", "product")),
        (["19", "24", "09"], "oecd2018", ("energy", "commodity", "service")),
        (["19", "24", "20"], "", r"'19' is product in wiod2013 and energy in oecd2023; name the"),
        (["E", "26"], "", r"those of wiod2013 and of oecd2023, where 'E' is energy in wiod2013"),
        (["C10T12", "C301", "A01_02"], "", r"none for 1 of them in oecd2023, the nearest: 'C301'"),
        (["E", "F", "H"], "", r"none for 3 of them in any shipped system"),
        (["1", "2", "13"], "", r"none for 3 of them in any shipped system"),
        (["Total", "A"], "", r"none for 2 of them in any shipped system"),
    ],
)  # fmt: skip
def test_labels_of_several_systems(sectors: list[str], system: str, expected: Any) -> None:
    assert system_of(sectors) == system_of(sectors[::-1]) == (system or None)
    if system:
        assert sector_classes(sectors) == sector_classes(sectors[::-1])[::-1] == expected
        return
    with pytest.raises(LabelError, match=rf"^classes: .*{expected}") as caught:
        sector_classes(sectors)
    assert SENTENCE.match(str(caught.value)), str(caught.value)


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
        (["Construction", *"abvwxyz"], None, LabelError,
         r"for 6 of them in wiod2016, the nearest: 'a', .*'y' and 1 more; give classes="),
        (["C", "F"], None, LabelError, r"none for 2 of them in any shipped system: 'C', 'F'"),
        (["a", "b"], {"a": "energy"}, LabelError, r"none for 1 of them in those given: 'b'"),
        (["Wheat"], "wiod2013", LabelError, r"'Wheat'"),
        (["a"], "wiod", LabelError, r"got 'wiod'; the nearest is 'wiod201\d'"),
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
        ("steel", ["ore", "steel"], r"one with 2 sectors of none of them: 'ore', 'steel'; name"),
        # Fabricated metal in one system, rubber in the other: '24' is steel in only one of them.
        ("steel", ["24", "25"], r"of wiod2013 and of oecd2018 and of .*, where steel differs"),
        ("clothing", ["17T18", "24"], r"where clothing differs; name the sectors that are cloth"),
        ("cotton", ["24", "25"], r"without 'Textile.*'; name sectors that it has instead"),
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


def test_a_study_of_labels_that_several_systems_have_alike() -> None:
    labels, notes = study_sectors("automotive", ["C28", "C29", "C26"])
    assert labels == ("C29",)
    assert notes[0].startswith("exact: C29: Cars, ")


# --- real tables -----------------------------------------------------------------------------

# The system of each list of sectors, and whether its codes are labels or only positions.
LISTS = {
    "adb_mrio": ("wiod2013", False), "eora26": ("eora26", False),
    "exiobase3_ixi": ("exiobase3_ixi", True), "exiobase3_pxp": ("exiobase3_pxp", True),
    "figaro_industries": ("figaro", True), "figaro_products": ("figaro", True),
    "gloria": ("gloria", False), "oecd_icio_2016": ("oecd2016", True),
    "oecd_icio_2018": ("oecd2018", True), "oecd_icio_2021": ("oecd2023", True),
    "oecd_icio_2023": ("oecd2023", True), "oecd_icio_2025": ("oecd2025", True),
    "wiod2013": ("wiod2013", True), "wiod2016": ("wiod2016", True),
}  # fmt: skip


def listed(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [*csv.DictReader(stream)]


def check_system(labels: list[str], system: str) -> None:
    assert system_of(labels) == system
    assert len(sector_classes(labels)) == len(labels) == SIZES[system]
    for study in STUDIES:
        assert study_sectors(study, labels)[0]


@pytest.mark.real_data
@pytest.mark.parametrize("name", LISTS)
def test_every_database_finds_its_system(real_data: Path, name: str) -> None:
    rows = listed(real_data / "labels" / f"{name}.csv")
    system, codes_are_labels = LISTS[name]
    rest = ["TOTAL"] if system == "eora26" else []  # the sector of its region ROW
    check_system([row["name"] for row in rows] + rest, system)
    if codes_are_labels:
        check_system([row["code"] for row in rows], system)


@pytest.mark.real_data
def test_useeio_finds_its_system(real_data: Path) -> None:
    path = real_data / "useeio" / "USEEIOv2.0.1-411" / "sectors.json"
    rows = json.loads(path.read_text(encoding="utf-8"))
    check_system([row["name"] for row in rows], "useeio411")
    check_system([row["code"] for row in rows], "useeio411")


@pytest.mark.real_data
def test_gtap_finds_its_system(real_data: Path) -> None:
    """Labels are codes; a release has 65 of the rows."""
    codes = [row["code"] for row in listed(real_data / "labels" / "gtap.csv")]
    assert len(codes) == 65
    assert system_of(codes) == system_of([code.upper() for code in codes]) == "gtap"
    for study, code in zip(STUDIES, ("i_s", "nfm", "mvh", "wap", "pfb"), strict=True):
        assert study_sectors(study, codes)[0] == (code,)


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
