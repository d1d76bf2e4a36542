"""Saved tables: equal when opened, whole or not there, and no changed bit unnoticed."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import strategies
from hypothesis import HealthCheck, given, settings

import carbonflows_fast as cf
from carbonflows_fast import _atomic, store


@pytest.fixture
def world() -> cf.Table:
    return cf.synthetic.world(3, 30, stressors=2)


@pytest.fixture
def saved(world: cf.Table, tmp_path: Path) -> Path:
    return cf.save(world, tmp_path / "world")


@given(table=strategies.tables())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_saved_and_opened_is_equal(table: cf.Table, tmp_path: Path) -> None:
    path = cf.save(table, tmp_path / "table")
    for verify in (False, True):
        opened = cf.open(path, verify=verify)
        assert opened.equals(table)
        assert table.equals(opened)
        assert (opened.A != table.A).nnz == 0


def test_an_opened_table_is_ready_and_gives_the_same_bits(world: cf.Table, saved: Path) -> None:
    opened = cf.open(saved)
    y = np.random.default_rng(0).random(world.n)
    for method in ("gmres", "gauss-seidel", "direct"):
        ours = cf.system(world).solve(y, method=method).values
        assert cf.system(opened).solve(y, method=method).values.tobytes() == ours.tobytes()
    assert isinstance(cf.system(opened).tiles.core.values.base, np.memmap | np.ndarray)
    assert not cf.system(opened).tiles.core.values.flags.writeable
    assert not opened.Y.to_numpy().flags.writeable


def test_large_arrays_are_mapped(tmp_path: Path) -> None:
    path = cf.save(cf.synthetic.world(4, 100), tmp_path / "world")
    opened = cf.open(path)
    maps = Path("/proc/self/maps")
    if maps.exists():
        assert str(path / "values.npy") in maps.read_text()
    assert opened.equals(cf.synthetic.world(4, 100))


def test_it_holds_a_once(saved: Path) -> None:
    names = {p.name for p in saved.iterdir()}
    assert {"manifest.json", "manifest.blake2b", "values.npy", "masks.npy"} <= names
    assert not any("A." in n or "Z." in n for n in names)


def test_tables_pickle_by_path(world: cf.Table, saved: Path) -> None:
    opened = cf.open(saved)
    content = pickle.dumps(opened)
    assert len(content) < 1000
    assert pickle.loads(content).equals(world)


def test_every_flipped_bit_is_found(saved: Path) -> None:
    rng = np.random.default_rng(1)
    for file in sorted(saved.iterdir()):
        original = file.read_bytes()
        places = {0, len(original) - 1, *rng.integers(0, len(original), 25).tolist()}
        for place in places:
            changed = bytearray(original)
            changed[place] ^= 1 << int(rng.integers(8))
            file.write_bytes(changed)
            with pytest.raises(cf.StoreError, match="save the table again"):
                cf.open(saved, verify=True)
            assert not cf.check(saved).ok
        file.write_bytes(original)
    cf.open(saved, verify=True)


@pytest.mark.parametrize("name", ["values.npy", "manifest.blake2b", "x.npy", "entries.npy"])
def test_missing_and_truncated_files(saved: Path, name: str) -> None:
    content = (saved / name).read_bytes()
    (saved / name).write_bytes(content[:-1])
    with pytest.raises(cf.StoreError, match=r"expected a complete saved table, got '.*world'"):
        cf.open(saved)
    (saved / name).unlink()
    with pytest.raises(cf.StoreError, match=r"expected a complete saved table"):
        cf.open(saved)


def test_tiles_that_point_outside_are_refused_even_unverified(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "VERIFIED_BELOW", 0)
    entries = np.load(saved / "entries.npy")
    for change in ([1, 10**12, 0, 5], [2, 0, 10**12, 5], [7, 0, 0, 0], [2, -8, 0, 5]):
        wrong = entries.copy()
        wrong[0, 0] = change
        np.save(saved / "entries.npy", wrong)
        with pytest.raises(cf.StoreError, match="tiles of A do not fit"):
            cf.open(saved)


def test_another_version_is_refused(saved: Path) -> None:
    manifest = json.loads((saved / "manifest.json").read_text())
    manifest["version"] = 99
    text = json.dumps(manifest).encode()
    (saved / "manifest.json").write_bytes(text)
    (saved / "manifest.blake2b").write_text(store._digest(text))
    with pytest.raises(cf.StoreError, match="expected format version 1, got version 99"):
        cf.open(saved)


def test_what_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(cf.StoreError, match=r"which does not exist; make one with cf\.save"):
        cf.open(tmp_path / "nowhere")
    with pytest.raises(cf.StoreError, match=r"which has no manifest\.json"):
        cf.open(tmp_path)


def test_saving_replaces_a_store_but_nothing_else(world: cf.Table, saved: Path) -> None:
    before = cf.open(saved)
    other = cf.synthetic.world(2, 5)
    cf.save(other, saved)
    assert cf.open(saved, verify=True).equals(other)
    assert before.equals(world)  # the mapped files live on
    (saved.parent / "thesis").mkdir()
    (saved.parent / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(cf.StoreError, match="something else; choose another path"):
        cf.save(other, saved.parent / "thesis")
    (saved.parent / "file").write_text("x")
    with pytest.raises(cf.StoreError, match="something else"):
        cf.save(other, saved.parent / "file")
    assert sorted(p.name for p in saved.parent.iterdir()) == ["file", "thesis", "world"]


def test_a_place_that_cannot_be_written(world: cf.Table, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(cf.StoreError, match="expected a folder that can be written"):
        cf.save(world, tmp_path / "file" / "world")


def test_a_failed_save_leaves_nothing(
    world: cf.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.np, "save", full)
    with pytest.raises(cf.StoreError, match="No space left on device"):
        cf.save(world, tmp_path / "world")
    assert list(tmp_path.iterdir()) == []


def test_a_killed_save_leaves_no_table(tmp_path: Path) -> None:
    """Killed just before the last rename: the place is still empty, or still the old table."""
    code = """
import os, signal, sys
import carbonflows_fast as cf
from carbonflows_fast import _atomic, store
from pathlib import Path
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
Path.replace = Path.rename = store.exchange = die
cf.save(cf.synthetic.world(2, 4), sys.argv[1])
"""
    target = tmp_path / "world"
    for existing in (False, True):
        if existing:
            cf.save(cf.synthetic.world(2, 3), target)
        done = subprocess.run([sys.executable, "-c", code, str(target)], check=False)
        assert done.returncode == -9
        assert target.exists() == existing
        if existing:
            assert cf.open(target, verify=True).equals(cf.synthetic.world(2, 3))
    assert len(list(tmp_path.iterdir())) == 2  # the table, and what the last kill left
    cf.save(cf.synthetic.world(2, 5), target)  # which the next save sweeps up
    assert list(tmp_path.iterdir()) == [target]
    assert cf.open(target, verify=True).equals(cf.synthetic.world(2, 5))


def test_replacing_without_exchange(
    world: cf.Table, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where folders cannot change places in one step, two renames do it."""
    monkeypatch.setattr(store, "exchange", lambda *_: False)
    cf.save(cf.synthetic.world(2, 5), saved)
    assert cf.open(saved, verify=True).equals(cf.synthetic.world(2, 5))
    # Killed between the two renames: the next save puts the old table back first.
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    saved.rename(saved.parent / f"{_atomic._mark(saved)}{dead.pid}-0000.old")
    cf.save(world, saved)
    assert list(saved.parent.iterdir()) == [saved]
    assert cf.open(saved, verify=True).equals(world)


def test_small_files_are_verified_at_every_opening(saved: Path) -> None:
    for name in ("pivots", "region_codes", "masks", "F_Y"):
        file = saved / f"{name}.npy"
        original = file.read_bytes()
        for place in (10, len(original) - 1):
            changed = bytearray(original)
            changed[place] ^= 32
            file.write_bytes(changed)
            with pytest.raises(cf.StoreError, match=f"{name}.npy differs from what was saved"):
                cf.open(saved)
        file.write_bytes(original)


def test_relative_paths_and_links(world: cf.Table, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    cf.save(world, tmp_path / "link")
    assert cf.open(tmp_path / "link").equals(world)
    assert cf.open(tmp_path / "real").equals(world)


def test_a_table_without_output_is_saved_with_it(tmp_path: Path) -> None:
    table = cf.synthetic.world(2, 4)
    changed = table.with_changes(Y=2 * table.Y)
    opened = cf.open(cf.save(changed, tmp_path / "t"))
    np.testing.assert_array_equal(opened.x, changed.x)
    assert os.path.isdir(tmp_path / "t")


def test_windows_is_not_asked_whether_a_process_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(pid: int, signal: int) -> None:
        raise AssertionError("os.kill would have sent Ctrl-C")

    with monkeypatch.context() as windows:
        windows.setattr(os, "kill", kill)
        windows.setattr(os, "name", "nt")
        assert _atomic._runs(os.getpid())
    assert _atomic._runs(os.getpid())
