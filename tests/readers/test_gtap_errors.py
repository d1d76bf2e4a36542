"""GTAP: what is wrong with a file is said in one sentence, with its place."""

from __future__ import annotations

import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.files.gtap_files import World, write_har
from support.worlds.small_table import SENTENCE

import carbonflows_fast as cf
from carbonflows_fast.errors import FormatError


def said(path: Path) -> str:
    with pytest.raises(FormatError) as caught:
        cf.read(path, format="gtap")
    sentence = str(caught.value)
    assert SENTENCE.match(sentence)
    return sentence.replace(str(path), "…")


def name_of(part: object) -> str:
    return getattr(part, "__name__", "")


# --- header array files -----------------------------------------------------------------------


def changed(content: bytes, old: bytes, new: bytes) -> bytes:
    assert old in content
    return content.replace(old, new, 1)


def cut(content: bytes) -> bytes:
    return content[:-20]


def lahey(content: bytes) -> bytes:
    return b"\xfd" + content


def wrong_length(content: bytes) -> bytes:
    at = content.index(b"VDFB") - 4
    return content[:at] + struct.pack("<i", 1 << 30) + content[at + 4 :]


def without_labels(content: bytes) -> bytes:
    return changed(content, b"    REFULLThe array VDFB", b"    RLFULLThe array VDFB")


def unknown_labels(content: bytes) -> bytes:
    return changed(content, b"kkk" + bytes(16), b"kku" + bytes(16))


def other_size(content: bytes) -> bytes:
    at = content.index(b"REFULLThe array VDFB") + 76 + 4
    return content[:at] + struct.pack("<i", 5) + content[at + 4 :]


def not_finite(content: bytes) -> bytes:
    at = content.index(b"REFULLThe array VDFB")
    number = np.float32(World().arrays["VDFB"][1][0, 0, 0]).tobytes()
    return content[:at] + changed(content[at:], number, np.float32(np.nan).tobytes())


HAR = [
    (cut, "", r"expected a record of at most \d+ bytes, got one of \d+; the file is"),
    (lahey, "", "got one of the old Lahey compilers; open it in ViewHAR and save it as of type F"),
    (
        wrong_length,
        "",
        "expected a record of at most .* got one of 1073741824; the file is",
    ),
    (without_labels, "header VDFB", "got RLFULL; add the labels of its sets in ViewHAR"),
    (unknown_labels, "header VDFB", "got none of some among COMM, ACTS, REG; add the labels"),
    (other_size, "header VDFB", "expected labels of 5 × 4 × 3 .*, got those of 4 × 4 × 3;"),
    (not_finite, "header VDFB, coa | coa | AUS", "expected a finite number, got infinity, or none"),
]


@pytest.mark.parametrize(("damage", "place", "message"), HAR, ids=name_of)
def test_a_damaged_header_array_file(
    tmp_path: Path, damage: Callable[[bytes], bytes], place: str, message: str
) -> None:
    path = World().har(tmp_path) / "basedata.har"
    path.write_bytes(damage(path.read_bytes()))
    sentence = said(tmp_path)
    assert "basedata.har" in sentence
    assert place in sentence
    assert re.search(message, sentence), sentence


def test_labels_that_are_the_same_once_cut(tmp_path: Path) -> None:
    world = World()
    world.sets["COMM"] = ["Manufacturing of metal", "Manufacturing of cloth", "wtp", "otp"]
    sentence = said(world.har(tmp_path))
    assert "header VDFB, set COMM: expected labels that differ within 12 letters" in sentence
    assert "got 'Manufacturin' twice; give the two shorter names" in sentence


def test_a_header_twice(tmp_path: Path) -> None:
    World().har(tmp_path)
    shutil.copy(tmp_path / "emissions.har", tmp_path / "other.har")
    sentence = said(tmp_path)
    assert "expected one array MDF, got 2 in emissions.har, other.har; keep the files" in sentence


def test_accounts_twice(tmp_path: Path) -> None:
    World().har(tmp_path)
    shutil.copy(tmp_path / "basedata.har", tmp_path / "other.har")
    assert "got 2 tables (basedata.har, other.har); say which" in said(tmp_path)
    table = cf.read(tmp_path / "other.har")
    assert table.name == "GTAP other"
    assert "CO2" in table.stressors


def test_files_without_accounts(tmp_path: Path) -> None:
    world = World()
    write_har(tmp_path / "sets.har", {"POP": world.arrays["POP"]}, world.sets)
    with pytest.raises(FormatError, match=r"got a header array file .*sets\.har.*; give"):
        cf.read(tmp_path)


# --- accounts ---------------------------------------------------------------------------------


def lacking(world: World) -> World:
    return world.without("VXSB", "VTWR")


def other_regions(world: World) -> World:
    world.sets["REG2"] = ["AUS", "EU_3", "Moon"]
    world.arrays["VDPB"] = (("COMM", "REG2"), world.arrays["VDPB"][1])
    return world


def too_few_dimensions(world: World) -> World:
    world.arrays["VXSB"] = (("COMM", "REG"), world.arrays["VXSB"][1].sum(axis=2))
    return world


def idle(world: World) -> World:
    world.arrays["MAKB"][1][:, 1] = 0.0
    world.arrays["MAKB"][1][2, 0] = 1.0  # so that commodities are not simply industries
    return world


def other_users(world: World) -> World:
    world.sets["ACT2"] = ["coa", "mnf", "wtp", "kitchens"]
    world.arrays["MDF"] = (("FUEL", "ACT2", "REG"), world.arrays["MDF"][1])
    return world


def flat_emissions(world: World) -> World:
    world.arrays["MDF"] = (("ACTS", "REG"), world.arrays["MDF"][1].sum(axis=0))
    return world


ACCOUNTS = [
    (lacking, "got none of VXSB, VTWR; add the file that has them"),
    (other_regions, "header VDPB: expected labels among AUS, EU_3, ROW, each once, got moon; take"),
    (too_few_dimensions, "header VXSB: expected 3 dimensions, got 2; take all files from one"),
    (idle, "expected output of every activity that buys (MAKB), got none of AUS | mnf, EU_3 | mnf"),
    (other_users, "header MDF: expected users that are activities of the accounts, or final ones"),
    (flat_emissions, "header MDF: expected 3 dimensions, got 2; take all files from one release"),
]


@pytest.mark.parametrize(("change", "message"), ACCOUNTS, ids=name_of)
def test_accounts_that_do_not_fit_together(
    tmp_path: Path, change: Callable[[World], World], message: str
) -> None:
    assert message in said(change(World()).har(tmp_path))


def test_version_6_without_investment(tmp_path: Path) -> None:
    world = World(6)
    world.sets["PROD_COMM"][-1] = world.sets["TRAD_COMM"][0].upper()
    world.sets["PROD_COMM"][0] = "other"
    world.sets["TRAD_COMM"] = ["x", "mnf", "wtp", "otp"]
    assert "expected one user that is no commodity, for investment (CGDS), got other, COA" in said(
        world.har(tmp_path)
    )


def test_emissions_of_an_activity_without_output(tmp_path: Path) -> None:
    world = World(joint=True)
    for name in ("MAKB", "MAKS", "EVFB", "EVFP", "VDFB", "VDFP", "VMFB", "VMFP"):
        world.arrays[name][1][:, 4] = 0.0
    assert "emissions: expected output of every activity that emits (MAKB)" in said(
        world.har(tmp_path)
    )


# --- records ----------------------------------------------------------------------------------


def line(at: int, new: str) -> Callable[[str], str]:
    def changed(text: str) -> str:
        lines = text.split("\n")
        lines[at] = new
        return "\n".join(lines)

    return changed


RECORDS = [
    ("VDPB", line(0, "COMM,REG,amount"), "line 1: expected names of labels, and of the number at"),
    (
        "VDPB",
        line(3, "coa,AUS,1"),
        "'coa | AUS': expected one record of these labels, got",
    ),
    ("VDPB", line(2, "coa,EU_3,"), "expected a number in every cell, got an empty cell"),
    ("VDPB", line(2, "coa,EU_3,x"), "line 3, column value: expected a finite number, got 'x'"),
    ("VDPB", line(2, "coa,Moon,1"), "expected labels among AUS, EU_3, ROW, each once, got moon"),
    ("VDPB", lambda text: "COMM,REG,value\n", "expected 1 to"),
    ("VXSB", line(0, "COMM,DST,SRC,value"), "DST or REG, got COMM, DST, SRC; bring the columns"),
    ("VTWR", line(0, "COMM,MARG,SRC,DST,value"), "line 1: expected columns in GTAP's order: MARG"),
    ("VDFB", line(0, "REG,COMM,ACTS,value"), "got REG, COMM, ACTS; bring the columns into this"),
    ("MDF", line(0, '"ACTS","REG","FUEL","value"'), "got ACTS, REG, FUEL; bring the columns"),
    ("REG", line(2, "AUS,again"), "REG.csv, line 3: expected a label that is no other line's, got"),
]


@pytest.mark.parametrize(("name", "change", "message"), RECORDS)
def test_records_that_are_wrong(
    tmp_path: Path, name: str, change: Callable[[str], str], message: str
) -> None:
    path = World().csv(tmp_path) / f"{name}.csv"
    path.write_text(change(path.read_text()))
    assert message in said(tmp_path)


def test_empty_records_may_be_zero(tmp_path: Path) -> None:
    path = World().csv(tmp_path) / "VDPB.csv"
    path.write_text(line(2, "coa,EU_3,")(path.read_text()).replace("value", "Val"))
    assert cf.read(tmp_path, blanks="zero").n == 12
