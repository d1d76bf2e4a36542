"""REX3 as rex3handler stores it (Zarr 2): every number, and what is refused."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.files.matlab_files import INDICATORS, REGIONS, SECTORS, World
from support.files.zarr_files import AXES, STORE, arrays, text_piece, write_store
from support.worlds.small_table import SENTENCE

import carbonflows_fast as cf
from carbonflows_fast.errors import FormatError, InputError

pytest.importorskip("numcodecs")
WORLD = World()


def said(path: Path, **options: Any) -> str:
    with pytest.raises(FormatError) as caught:
        cf.read(path, **options)
    assert SENTENCE.match(str(caught.value))
    return str(caught.value)


def single(values: Any) -> Any:
    return np.asarray(values, dtype="f4").astype(float)


def check(table: cf.Table) -> None:
    assert list(table.rows) == WORLD.rows
    assert list(table.demand) == [(region, "final demand") for region in REGIONS]
    np.testing.assert_array_equal(table.Z.toarray(), single(WORLD.Z))
    np.testing.assert_array_equal(table.Y, single(WORLD.Y))
    np.testing.assert_array_equal(table.F, single(WORLD.F))
    np.testing.assert_array_equal(table.F_Y, single(WORLD.F_Y))
    assert list(table.stressors) == INDICATORS
    assert (table.year, table.name) == (2020, "REX3 2020")


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("zipped", [True, False])
def test_every_number_is_read(tmp_path: Path, packed: bool, zipped: bool) -> None:
    path = write_store(tmp_path / "a", arrays(WORLD), packed=packed)
    if zipped:
        path = Path(shutil.make_archive(str(tmp_path / "REX3"), "zip", tmp_path / "a"))
    table = cf.read(path)
    check(table)
    assert table.content.extensions == ("indicators", "primary inputs")
    check(cf.read(path if zipped else path.parent, format="rex3", year=2020))


@pytest.mark.parametrize(
    "chunks",
    [{"Y": (2, 1, 2)}, {"T": (2, 2, 3, 1), "Q": (1, 2, 2)}, {"T": (3, 1, 2, 2), "Q_Y": (1, 2)}],
)
def test_pieces_may_have_any_size(tmp_path: Path, chunks: Any) -> None:
    check(cf.read(write_store(tmp_path, arrays(WORLD), chunks=chunks)))


def test_it_is_the_table_of_matlab_but_for_digits(tmp_path: Path) -> None:
    WORLD.rex3(tmp_path / "REX3")
    given = cf.read(tmp_path / "REX3")
    found = cf.read(write_store(tmp_path, arrays(WORLD)))
    for name in INDICATORS:
        np.testing.assert_allclose(cf.accounts(found, name), cf.accounts(given, name), 1e-5, 1e-5)


def test_gaps_are_refused_or_zero(tmp_path: Path) -> None:
    numbers = arrays(World())
    numbers["T"][0, 1, 2, 0] = np.nan
    path = write_store(tmp_path, numbers)
    assert "T: expected a number in every cell, got an empty cell" in said(path)
    assert cf.read(path, blanks="zero").Z.toarray()[1, 4] == 0.0


def without_labels(store: Path) -> None:
    change(store, "region", dtype="<i8", filters=None)


def change(store: Path, name: str, **entries: Any) -> None:
    path = store / ".zmetadata"
    metadata = json.loads(path.read_text())
    metadata["metadata"][f"{name}/.zarray"].update(entries)
    path.write_text(json.dumps(metadata))


def cut(store: Path) -> None:
    piece = store / "T" / "1.0.0.0"
    piece.write_bytes(piece.read_bytes()[:-1])


def nearly_empty(store: Path) -> None:
    (store / "T" / "1.0.0.0").write_bytes(b"\x02\x01\x21\x04\x30\x00")


def grown(store: Path) -> None:
    """A piece that says it unpacks to 4 GB."""
    piece = store / "T" / "1.0.0.0"
    content = bytearray(piece.read_bytes())
    content[4:8] = b"\xff" * 4
    piece.write_bytes(content)


def infinite(store: Path) -> None:
    numbers = arrays(World())
    numbers["Q"][0, 0, 0] = np.inf
    write_store(store.parent, numbers)


def long_text(store: Path) -> None:
    write_store(store.parent, arrays(WORLD), packed=False)
    content = bytearray(text_piece(SECTORS))
    content[4:8] = b"\xff\xff\xff\x7f"
    (store / "sector" / "0").write_bytes(content)


def no_text(store: Path) -> None:
    write_store(store.parent, arrays(WORLD), packed=False)
    (store / "sector" / "0").write_bytes(text_piece(SECTORS).replace(b"w", b"\xff"))


def other_axis(store: Path) -> None:
    write_store(store.parent, arrays(WORLD), {**AXES, "region_to": REGIONS[::-1]})


DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no labels": (without_labels, "region: expected a list of names, got numbers (<i8)"),
    "cut short": (cut, "1.0.0.0: expected a piece of 48 bytes, packed by Blosc"),
    "nearly empty": (nearly_empty, "1.0.0.0: expected a piece of 48 bytes, packed by Blosc"),
    "too large": (grown, "1.0.0.0: expected a piece of 48 bytes, packed by Blosc"),
    "gone": (lambda store: (store / "T" / "1.0.0.0").unlink(), "1.0.0.0: expected a file"),
    "infinite": (infinite, "Q: expected finite numbers, got an infinite one"),
    "long text": (long_text, "sector: expected texts as long as they say"),
    "no text": (no_text, "sector: expected text in UTF-8"),
    "other axis": (other_axis, "region_to: expected the labels of region, got another order"),
    "shape": (lambda s: change(s, "Y", shape=[3, 2, 2]), "of one number of countries, sectors"),
    "pieces": (lambda s: change(s, "T", chunks=[1, 2, 1 << 20, 1 << 20]), "of at most 256 MB"),
    "order": (lambda s: change(s, "Q", order="F"), "Q: expected an array as xarray writes it"),
    "codec": (lambda s: change(s, "Q", compressor={"id": "zlib"}), "expected an array as xarray"),
    "filter": (lambda s: change(s, "sector", filters=[{"id": "pickle"}]), "expected an array as"),
    "numbers": (lambda s: change(s, "Q", dtype="<i4"), "Q: expected numbers of 4 or 8 bytes"),
    "names": (lambda s: change(s, "sector", shape=[3], chunks=[3]), "expected 3 names, got 2"),
    "array": (lambda s: (s / ".zmetadata").write_text("{}"), "region: expected an array in the"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_named(tmp_path: Path, what: str) -> None:
    damage, complaint = DAMAGE[what]
    store = write_store(tmp_path, arrays(WORLD))
    damage(store)
    assert complaint in said(store)


def test_numcodecs_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_store(tmp_path, arrays(WORLD))
    monkeypatch.setitem(sys.modules, "numcodecs", None)
    with pytest.raises(InputError, match=r"numcodecs: .*`pip install 'carbonflows_fast\[zarr\]'`"):
        cf.read(path)


def test_other_stores_are_no_table(tmp_path: Path) -> None:
    path = write_store(tmp_path, {"t": np.ones((2, 2))})
    assert STORE in str(path)
    assert "layout" in said(path)
