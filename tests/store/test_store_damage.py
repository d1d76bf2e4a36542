"""Made-up saved tables whose digests fit: refused in one sentence when they are opened."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from store_mutations import Case, array_file, cases, header
from support.files.store_files import arrays_of, change_array, change_manifest, manifest_of

import carbonflows_fast as cf
from carbonflows_fast.store import manifest_of as read_manifest


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return cf.save(cf.synthetic.world(3, 50, stressors=2), tmp_path / "world")


def array(saved: Path, name: str) -> Any:
    return np.load(arrays_of(saved) / f"{name}.npy")


def content(saved: Path, name: str) -> bytes:
    return (arrays_of(saved) / f"{name}.npy").read_bytes()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    return cases(tmp_path_factory.mktemp("made"))


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_made_up_tables_open_or_are_refused(made: list[Case], first: int) -> None:
    outcomes = [made[seed % len(made)].run(seed) for seed in range(first, first + 100)]
    assert outcomes.count("refused") > 50  # or the damages were none


FIELDS = [
    ("year", 2009.5, "'year' of table.json is 2009.5 instead of a whole number or null"),
    ("year", "2009", "'year' of table.json is '2009' instead of a whole number"),
    ("name", None, "'name' of table.json is None instead of a text"),
    ("emissions_kind", "X", "'emissions_kind' of table.json is 'X' instead of 'F' or 'S'"),
    ("nonnegative", 1, "'nonnegative' of table.json is 1 instead of true or false"),
    ("nonnegative", False, "A is nonnegative, against the manifest"),
    ("regions", {"DE": 1}, "'regions' of table.json is .* instead of a list of texts"),
    ("regions", ["a", "a", "b"], "'regions' of table.json has 'a' twice"),
    ("sectors", ["a", "b"], r"sector_codes.npy has codes beyond the 2 sectors"),
    ("regions", ["a", "b"], r"population.npy has the shape \(3,\) instead of \(2,\)"),
    ("stressors", ["a", math.nan], r"has nan at position 1 \(counted from 0\) instead of a text"),
    ("stressors", ["a", " "], "'stressors' of table.json has ' ' at position 1"),
    ("stressors", ["a"], "'extensions' of table.json has 2 texts instead of one for each of 1"),
    ("stressors", ["a", "\ud800"], "'stressors' of table.json has .* at position 1"),
    ("name", "\ud800", "'name' of table.json is .* instead of a text"),
    ("row_units", [None], "'row_units' of table.json has None at position 0"),
    ("origin", {"key": 1}, "'origin' of table.json is .* instead of null or what convert notes"),
    ("files", [], "'files' of table.json is .* instead of a record for each array"),
    ("notes", ["a", 1], r"'notes' of table.json is \['a', 1\] instead of a list of texts"),
    ("more", 1, "table.json has 'more', which is no field of a table"),
]


@pytest.mark.parametrize(("field", "value", "message"), FIELDS)
def test_a_field_of_the_manifest(saved: Path, field: str, value: Any, message: str) -> None:
    change_manifest(saved, manifest_of(saved) | {field: value})
    with pytest.raises(cf.StoreError, match=f"^path: expected a complete .*{message}.*; save the"):
        cf.open(saved)


def test_every_field_of_the_manifest_is_needed(saved: Path) -> None:
    manifest = manifest_of(saved)
    for field in manifest.keys() - {"version", "format", "notes"}:
        change_manifest(saved, {name: manifest[name] for name in manifest if name != field})
        for function in (cf.open, read_manifest):
            with pytest.raises(cf.StoreError, match=f"where table.json has no '{field}'; save"):
                function(saved)
    for name in manifest["files"].keys() - {"F_Y", "population", "order"}:
        files = {other: record for other, record in manifest["files"].items() if other != name}
        change_manifest(saved, manifest | {"files": files})
        with pytest.raises(cf.StoreError, match=f"'files' of table.json has no '{name}'"):
            cf.open(saved)
    change_manifest(saved, {name: manifest[name] for name in manifest if name != "notes"})
    assert cf.open(saved).notes == ()  # saved before tables had any
    change_manifest(saved, manifest)
    cf.open(saved)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"[1]", "table.json holds a list instead of named fields"),
        (b'"x"', "table.json holds a str instead of named fields"),
        (b"{", r"table.json cannot be read as JSON \("),
        (b"[" * 100_000, r"table.json cannot be read as JSON \("),
        (b"\xff\xfe\xff", r"table.json cannot be read as JSON \("),
        (b"{}", "the format is None instead of 'carbonflows_fast table'"),
    ],
)
def test_a_manifest_that_is_none(saved: Path, text: bytes, message: str) -> None:
    change_manifest(saved, text)
    with pytest.raises(cf.StoreError, match=message):
        cf.open(saved)


def test_names_of_files_lead_nowhere_else(saved: Path) -> None:
    manifest = manifest_of(saved)
    record = manifest["files"]["x"]
    for name in ("../x", "/etc/passwd", "x.npy", ""):
        change_manifest(saved, manifest | {"files": manifest["files"] | {name: record}})
        with pytest.raises(cf.StoreError, match="instead of an array of a table with its bytes"):
            cf.open(saved)
    change_manifest(saved, manifest)
    pointer = (saved / "carbonflows.json").read_text()
    generation = arrays_of(saved).name
    for other in ("../world/" + generation, ".", "", generation.upper() + "G"):
        (saved / "carbonflows.json").write_text(pointer.replace(generation, other))
        with pytest.raises(cf.StoreError, match=r"carbonflows\.json differs from what was saved"):
            cf.open(saved)


def test_links_and_pipes_are_not_followed(saved: Path) -> None:
    import os

    file = arrays_of(saved) / "x.npy"
    moved = file.rename(saved / "moved")
    file.symlink_to(moved)
    with pytest.raises(cf.StoreError, match=r"x\.npy is a link instead of a file"):
        cf.open(saved)
    file.unlink()
    if hasattr(os, "mkfifo"):
        os.mkfifo(file)  # opening it would wait for ever
        with pytest.raises(cf.StoreError, match=r"x\.npy is not a plain file"):
            cf.open(saved)
        file.unlink()
    moved.rename(file)
    folder = arrays_of(saved)
    folder.rename(saved / "moved")
    folder.symlink_to(saved / "moved")
    with pytest.raises(cf.StoreError, match="is a link instead of a folder"):
        cf.open(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"descr": ">f8"}, r"Y\.npy holds numbers of the type '>f8' instead of '<f8'"),
        ({"descr": "|O"}, r"Y\.npy holds numbers of the type '\|O' instead of '<f8'"),
        ({"shape": (-1, 12)}, r"the header of Y\.npy is not that of a plain array of numbers"),
        ({"shape": (10**30, 12)}, r"the header of Y\.npy is not that of a plain array"),
        (
            {"shape": (10**12, 10**12)},
            r"Y\.npy has the shape \(1000000000000, 1000000000000\) inst",
        ),
        ({"shape": (150,)}, r"Y\.npy has 1 axes instead of 2"),
        ({"descr": [("a", "<f8")]}, r"the header of Y\.npy is not that of a plain array"),
        ({"more": 1}, r"the header of Y\.npy is not that of a plain array"),
    ],
)
def test_a_header_that_says_something_else(
    saved: Path, change: dict[str, Any], message: str
) -> None:
    change_array(saved, "Y", header(content(saved, "Y"), **change))
    with pytest.raises(cf.StoreError, match=message):
        cf.open(saved)


def test_nothing_is_unpickled(saved: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (tmp_path / "sprung").touch, ()

    trap = np.array([Trap()] * array(saved, "x").size, dtype=object)
    change_array(saved, "x", array_file(trap, pickled=True))
    with pytest.raises(cf.StoreError, match=r"x\.npy holds numbers of the type '\|O'"):
        cf.open(saved)
    assert not (tmp_path / "sprung").exists()


def test_orders_in_memory(saved: Path) -> None:
    """Matrices may lie in either order, as `save` writes them; what the core walks may not."""
    table = cf.open(saved)
    change_array(saved, "Y", array_file(np.asfortranarray(array(saved, "Y"))))
    assert cf.open(saved).equals(table)
    change_array(saved, "entries", array_file(np.asfortranarray(array(saved, "entries"))))
    if array(saved, "entries").shape[0] > 1:
        with pytest.raises(cf.StoreError, match=r"entries\.npy is in Fortran order"):
            cf.open(saved)


CONTENT = [
    ("x", 0, math.nan, r"x\.npy has numbers that are not finite"),
    ("Y", (0, 0), math.inf, r"Y\.npy has numbers that are not finite"),
    ("values", 0, math.nan, r"values\.npy has numbers that are not finite"),
    ("values", 0, -1.0, "A is not nonnegative, against the manifest"),
    ("region_codes", 0, 3, r"region_codes\.npy has codes beyond the 3 regions"),
    ("region_codes", 0, -1, r"region_codes\.npy has codes beyond the 3 regions"),
    ("demand_codes", 0, 99, r"demand_codes\.npy has codes beyond the 3 regions"),
    ("row_unit_codes", 5, 1, r"row_unit_codes\.npy has codes beyond the 1 row_units"),
    ("starts", 0, 1, r"starts\.npy does not cut 150 rows into blocks of 1 to 256"),
    ("starts", 1, 10**15, r"starts\.npy does not cut 150 rows"),
    ("starts", 1, -(2**63), r"starts\.npy does not cut 150 rows"),
    ("entries", (0, 0, 0), 7, r"entries\.npy has a tile of no known kind"),
    ("entries", (0, 0, 3), -1, r"entries\.npy has a tile of no known kind, or with a wrong count"),
    ("entries", (0, 0, 3), 2**62, r"entries\.npy has a tile of no known kind, or with a wrong"),
    ("entries", (0, 0, 1), 2**63 - 1, r"entries\.npy has a tile that does not lie where its val"),
    ("entries", (0, 0, 2), 2**63 - 1, r"entries\.npy has a tile that does not lie where its mas"),
    ("pivots", 0, 10**6, r"pivots\.npy has rows outside their blocks"),
    ("pivots", 1, 0, r"pivots\.npy has rows outside their blocks"),
    ("masks", 0, None, "the masks of A do not fit its tiles"),
]


@pytest.mark.parametrize(("name", "place", "value", "message"), CONTENT)
def test_content_that_cannot_be(
    saved: Path, name: str, place: Any, value: Any, message: str
) -> None:
    changed = array(saved, name)
    changed[place] = changed[place] ^ 1 if value is None else value
    change_array(saved, name, array_file(changed))
    with pytest.raises(cf.StoreError, match=message):
        cf.open(saved)


@pytest.mark.parametrize("name", ["values", "masks", "factors"])
@pytest.mark.parametrize("more", [-1, 1, 16, -16])
def test_arrays_of_another_length(saved: Path, name: str, more: int) -> None:
    """One value too few, and the core would read past the end of the file."""
    changed = array(saved, name)
    change_array(saved, name, array_file(np.resize(changed, changed.size + more)))
    with pytest.raises(cf.StoreError, match=rf"{name}\.npy has [\d,]+ numbers"):
        cf.open(saved)


def test_an_order_that_names_a_row_twice(tmp_path: Path) -> None:
    world = cf.synthetic.world(2, 2)
    mixed = cf.Table(A=world.A.toarray(), Y=world.Y.to_numpy(), S=world.S.to_numpy(),
                     x=world.x.to_numpy(), regions=["a", "b", "a", "b"], sectors=list("1122"),
                     demand=[("a", str(i)) for i in range(world.Y.shape[1])],
                     stressors=list(world.stressors))  # fmt: skip
    path = cf.save(mixed, tmp_path / "mixed")
    assert sorted(array(path, "order")) == [0, 1, 2, 3]
    for order in ([0, 0, 1, 2], [0, 1, 2, 4], [-1, 0, 1, 2]):
        change_array(path, "order", array_file(np.array(order, np.int64)))
        with pytest.raises(cf.StoreError, match=r"order\.npy does not name every row once"):
            cf.open(path)


def test_large_numbers_are_verified_when_asked(tmp_path: Path) -> None:
    """Of arrays that are not read when a table is opened, `verify` reads all."""
    path = cf.save(cf.synthetic.world(12, 60), tmp_path / "world")
    for value, message in ((math.nan, "not finite"), (-0.5, "not nonnegative, against")):
        values = array(path, "values")
        assert values.nbytes > 1 << 20
        values[3] = value
        change_array(path, "values", array_file(values))
        cf.open(path)
        with pytest.raises(cf.StoreError, match=message):
            cf.open(path, verify=True)


def test_an_intensity_that_would_overflow_is_refused_when_asked_for(saved: Path) -> None:
    values = array(saved, "emissions")
    values[0, 0] = 1e308
    change_array(saved, "emissions", array_file(values))
    table = cf.open(saved)
    with pytest.raises(cf.InputError, match="of at most 1e"):
        cf.accounts(table, table.stressors[0])
