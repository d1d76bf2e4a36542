"""Saved tables: equal when opened, ready to solve, and no changed bit unnoticed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from support.files.store_files import arrays_of, overwrite
from support.worlds import strategies

import carbonflows_fast as cf
from carbonflows_fast._base import files as _atomic


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
        assert str(arrays_of(path) / "values.npy") in maps.read_text()
    assert opened.equals(cf.synthetic.world(4, 100))


def test_it_holds_a_once(saved: Path) -> None:
    assert sorted(saved.iterdir()) == sorted([saved / "carbonflows.json", arrays_of(saved)])
    names = {p.name for p in arrays_of(saved).iterdir()}
    assert {"table.json", "values.npy", "masks.npy"} <= names
    assert not any("A." in n or "Z." in n for n in names)


def test_every_flipped_bit_is_found(saved: Path) -> None:
    rng = np.random.default_rng(1)
    for file in [saved / "carbonflows.json", *sorted(arrays_of(saved).iterdir())]:
        original = file.read_bytes()
        places = {0, len(original) - 1, *rng.integers(0, len(original), 25).tolist()}
        for place in places:
            changed = bytearray(original)
            changed[place] ^= 1 << int(rng.integers(8))
            overwrite(file, changed)
            with pytest.raises(cf.StoreError, match="save the table again"):
                cf.open(saved, verify=True)
            assert not cf.check(saved).ok
        overwrite(file, original)
    cf.open(saved, verify=True)


@pytest.mark.parametrize("name", ["values.npy", "table.json", "x.npy", "entries.npy"])
def test_missing_and_truncated_files(saved: Path, name: str) -> None:
    file = arrays_of(saved) / name
    overwrite(file, file.read_bytes()[:-1])
    with pytest.raises(cf.StoreError, match=r"expected a complete saved table, got '.*world'"):
        cf.open(saved)
    file.unlink()
    with pytest.raises(cf.StoreError, match=r"expected a complete saved table"):
        cf.open(saved)


def test_what_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(cf.StoreError, match=r"which does not exist; make one with cf\.save"):
        cf.open(tmp_path / "nowhere")
    with pytest.raises(cf.StoreError, match=r"which has no carbonflows\.json"):
        cf.open(tmp_path)
    for other in (None, 3, cf.synthetic.world(2, 2)):
        with pytest.raises(cf.InputError, match="path: expected a path, got"):
            cf.open(other)  # type: ignore[arg-type]
        with pytest.raises(cf.InputError, match="path: expected a path, got"):
            cf.save(cf.synthetic.world(2, 2), other)  # type: ignore[arg-type]


def test_a_place_that_cannot_be_written(world: cf.Table, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(cf.StoreError, match="expected a folder that can be written"):
        cf.save(world, tmp_path / "file" / "world")


def test_small_files_are_verified_at_every_opening(saved: Path) -> None:
    for name in ("pivots", "region_codes", "masks", "F_Y"):
        file = arrays_of(saved) / f"{name}.npy"
        original = file.read_bytes()
        for place in (10, len(original) - 1):
            changed = bytearray(original)
            changed[place] ^= 32
            overwrite(file, changed)
            with pytest.raises(cf.StoreError, match=f"{name}.npy differs from what was saved"):
                cf.open(saved)
        overwrite(file, original)


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
