"""A table that is saved anew: whoever reads it has the old one or the new one, whatever happens."""

from __future__ import annotations

import copy
import json
import os
import pickle
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.files.store_files import arrays_of, as_version_1, overwrite

import carbonflows_fast as cf
from carbonflows_fast._base import files as _atomic
from carbonflows_fast.store import _generations
from carbonflows_fast.store import _saved as store

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


@pytest.fixture
def world() -> cf.Table:
    return cf.synthetic.world(3, 30, stressors=2)


@pytest.fixture
def saved(world: cf.Table, tmp_path: Path) -> Path:
    return cf.save(world, tmp_path / "world")


def other(seed: int = 1) -> cf.Table:
    return cf.synthetic.world(3, 30, stressors=2, seed=seed)


# --- what is replaced, and what is not ------------------------------------------------------------


def test_saving_replaces_a_store_but_nothing_else(world: cf.Table, saved: Path) -> None:
    before = cf.open(saved)
    (saved / "notes.txt").write_text("ours")
    cf.save(other(), saved)
    assert cf.open(saved, verify=True).equals(other())
    assert before.equals(world)  # the mapped files live on
    assert sorted(saved.iterdir()) == sorted(
        [arrays_of(saved), saved / "carbonflows.json", saved / "notes.txt"]
    )
    thesis = saved.parent / "thesis"
    thesis.mkdir()
    (thesis / "manifest.json").write_text("years of work")
    with pytest.raises(cf.StoreError, match="something else; choose another path"):
        cf.save(other(), thesis)
    (saved.parent / "file").write_text("x")
    with pytest.raises(cf.StoreError, match="something else"):
        cf.save(other(), saved.parent / "file")
    assert sorted(p.name for p in saved.parent.iterdir()) == ["file", "thesis", "world"]


def test_an_empty_folder_is_taken(world: cf.Table, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert cf.open(cf.save(world, tmp_path / "empty"), verify=True).equals(world)
    assert list(tmp_path.iterdir()) == [tmp_path / "empty"]


def test_arrays_cannot_be_written_to(saved: Path) -> None:
    if os.name == "nt":
        pytest.skip("a mapped file cannot be cut short there")
    files = list(arrays_of(saved).iterdir())
    assert len(files) > 10
    assert not any(stat.S_IMODE(file.stat().st_mode) & 0o222 for file in files)


@pytest.mark.parametrize("existing", [False, True])
def test_a_failed_save_leaves_what_was_there(
    world: cf.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, existing: bool
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "world"
    if existing:
        cf.save(other(), path)
    before = sorted(tmp_path.rglob("*"))
    for module, name in ((store, "_write"), (_generations, "_pointer"), (os, "replace")):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, full)
            if (module, existing) == (os, False):
                patched.setattr(Path, "replace", full)
            with pytest.raises(cf.StoreError, match="No space left on device"):
                cf.save(world, path)
        found = sorted(one for one in tmp_path.rglob("*") if one.name != "__pycache__")
        if (module, existing) == (os, True):  # a generation that never stood, for the next save
            assert cf.open(path, verify=True).equals(other())
            assert set(before) <= set(found)
        else:
            assert found == before
    cf.save(world, path)
    assert cf.open(path, verify=True).equals(world)
    assert len(list(path.iterdir())) == 2


# --- the earlier layout ---------------------------------------------------------------------------


def test_the_earlier_layout_is_opened_and_converted(world: cf.Table, saved: Path) -> None:
    as_version_1(saved)
    assert not (saved / "carbonflows.json").exists()
    assert store.is_store(saved)
    before = cf.open(saved, verify=True)
    assert before.equals(world)
    assert pickle.loads(pickle.dumps(before)).equals(world)
    assert cf.check(saved).ok
    assert len(store.stamp(saved)) == len(list(saved.iterdir()))
    cf.save(other(), saved)
    assert sorted(saved.iterdir()) == sorted([arrays_of(saved), saved / "carbonflows.json"])
    assert cf.open(saved, verify=True).equals(other())
    assert before.equals(world)


def test_damage_in_the_earlier_layout_is_found(saved: Path) -> None:
    as_version_1(saved)
    for file in sorted(saved.iterdir()):
        original = file.read_bytes()
        overwrite(file, original[:-1] + bytes([original[-1] ^ 4]))
        with pytest.raises(cf.StoreError, match="save the table again"):
            cf.open(saved, verify=True)
        overwrite(file, original)
    (saved / "manifest.blake2b").unlink()
    with pytest.raises(cf.StoreError, match=r"which has no carbonflows.json"):
        cf.open(saved)


@pytest.mark.parametrize("version", [99, "2", 2.0, True, None])
def test_another_version_is_refused(saved: Path, version: Any) -> None:
    pointer = json.loads((saved / "carbonflows.json").read_text())
    (saved / "carbonflows.json").write_text(json.dumps(pointer | {"version": version}, indent=1))
    with pytest.raises(
        cf.StoreError, match=r"expected format version 2 \(or 1\), got version .*again"
    ):
        cf.open(saved)


# --- tables that are open -------------------------------------------------------------------------


def test_a_pickled_table_is_that_table_or_an_error(world: cf.Table, saved: Path) -> None:
    opened = cf.open(saved)
    content = pickle.dumps(opened)
    assert len(content) < 1000
    assert pickle.loads(content).equals(world)
    assert pickle.loads(pickle.dumps(pickle.loads(content))).equals(world)
    cf.save(world, saved)  # the same content again
    assert pickle.loads(content).equals(world)
    cf.save(other(), saved)
    for message in (content, pickle.dumps(opened)):
        with pytest.raises(cf.StoreError, match=r"when it was pickled, got another one, saved"):
            pickle.loads(message)
    assert copy.copy(opened) is opened
    assert copy.deepcopy([opened])[0] is opened
    assert opened.equals(world)
    cf.save(world, saved)
    assert pickle.loads(content).equals(world)


def test_a_file_that_is_cut_short_while_it_is_open_is_an_error(tmp_path: Path) -> None:
    path = cf.save(cf.synthetic.world(4, 100), tmp_path / "world")
    opened = cf.open(path)
    dearer = opened.with_changes(S=2 * opened.S)
    file = arrays_of(path) / "values.npy"
    file.chmod(0o600)
    os.truncate(file, 4096)
    message = r"got values.npy with 4,096 bytes instead of .* since it was opened"
    for ask in (
        lambda: cf.flows(opened),
        lambda: cf.accounts(dearer),
        lambda: opened.Z,
        lambda: cf.system(opened, dtype="float32"),
    ):
        with pytest.raises(cf.StoreError, match=message):
            ask()


# --- two processes --------------------------------------------------------------------------------


SAVES = """
import itertools, sys
import carbonflows_fast as cf
path, count = sys.argv[1], int(sys.argv[2])
tables = [cf.synthetic.world(3, 30, stressors=2, seed=seed) for seed in (1, 2)]
print("ready", flush=True)
for table in itertools.islice(itertools.cycle(tables), count):
    cf.save(table, path)
"""


@contextmanager
def saving(path: Path, count: int) -> Iterator[subprocess.Popen[str]]:
    """Give a process that saves two tables in turns; it ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", SAVES, str(path), str(count)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdout.close()
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("first", ["version 1", "version 2"])
def test_a_reader_gets_the_old_table_or_the_new_one(tmp_path: Path, first: str) -> None:
    path = cf.save(other(1), tmp_path / "world")
    if first == "version 1":
        as_version_1(path)
    names = {store.checksum(cf.save(other(seed), tmp_path / "twin")) for seed in (1, 2)}
    tables = other(1), other(2)
    found = []
    with saving(path, 60) as writer:
        while writer.poll() is None:
            opened = cf.open(path, verify=len(found) % 2 == 0)
            found.append([opened.equals(table) for table in tables])
            assert store.manifest_of(path)["name"] == opened.name
            assert first == "version 1" or store.checksum(path) in names
            store.stamp(path)
    assert writer.returncode == 0
    assert all(sorted(one) == [False, True] for one in found)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["twin", "world"]


@pytest.mark.parametrize("look", ["_is_old", "read_small"])
def test_the_earlier_layout_is_replaced_while_it_is_looked_at(
    saved: Path, monkeypatch: pytest.MonkeyPatch, look: str
) -> None:
    as_version_1(saved)
    original = getattr(_generations, look)

    def late(*given: Any) -> Any:
        monkeypatch.setattr(_generations, look, original)
        cf.save(other(), saved)
        return original(*given)

    monkeypatch.setattr(_generations, look, late)
    assert cf.open(saved, verify=True).equals(other())
    assert getattr(_generations, look) is original


def test_processes_that_save_at_once_leave_one_whole_table(tmp_path: Path) -> None:
    path = tmp_path / "world"
    with ExitStack() as running:
        writers = [running.enter_context(saving(path, 15)) for _ in range(3)]
        assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    opened = cf.open(path, verify=True)
    assert opened.equals(other(1)) or opened.equals(other(2))
    assert list(tmp_path.iterdir()) == [path]
    cf.save(other(3), path)
    assert len(list(path.iterdir())) == 2


def test_a_table_that_never_stands_still(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def use(found: _generations.Generation) -> None:
        cf.save(other(), saved)
        raise found.damaged("its files are gone")

    monkeypatch.setattr(_generations, "TRIES", 3)
    with pytest.raises(cf.StoreError, match="which was saved anew 3 times while it was opened"):
        _generations.consistent(saved, use)


# --- saves that are killed ------------------------------------------------------------------------


def forked(work: Callable[[], object]) -> int:
    """Let a copy of this process do some work, and return its number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12, if there are threads
        number = os.fork()
    if number == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return number


def killed_at(step: int) -> Callable[[Any], Any]:
    """Return what lets functions that change the disk kill this process, once so many have run."""
    left = iter(range(step))

    def counted(function: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        return call

    return counted


CHANGES = [(os, "replace"), (shutil, "rmtree")] + [
    (Path, name)
    for name in ("mkdir", "open", "write_bytes", "chmod", "replace", "rename", "touch", "unlink")
]


def save_until(step: int, table: cf.Table, path: Path) -> None:
    counted = killed_at(step)
    for owner, name in CHANGES:
        setattr(owner, name, counted(getattr(owner, name)))
    cf.save(table, path)


@needs_fork
@pytest.mark.parametrize("first", ["nothing", "version 1", "version 2"])
def test_killed_before_each_change_of_the_disk(tmp_path: Path, first: str) -> None:
    """What stands is the old table until it is the new one."""
    old, new = cf.synthetic.world(2, 3), cf.synthetic.world(2, 4)
    states: list[str] = []
    status = -1
    while status != 0:
        path = tmp_path / str(len(states)) / "world"
        path.parent.mkdir()
        if first != "nothing":
            cf.save(old, path)
        if first == "version 1":
            as_version_1(path)
            (path / "mine.npy").write_bytes(b"1")
        number = forked(partial(save_until, len(states), new, path))
        status = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
        assert status in (0, -signal.SIGKILL)
        opened = cf.open(path, verify=True) if path.exists() else None
        states.append("none" if opened is None else "old" if opened.equals(old) else "new")
        assert opened is None or opened.equals(old) or opened.equals(new)
        cf.save(old, path)
        (path / "mine.npy").unlink(missing_ok=first != "version 1")
        assert list(path.parent.iterdir()) == [path]
        assert len(list(path.iterdir())) == 2
        assert cf.open(path, verify=True).equals(old)
    before = "none" if first == "nothing" else "old"
    assert states == sorted(states, key=(before, "new").index)
    assert set(states) == {before, "new"}
    assert len(states) > 30


@needs_fork
def test_killed_at_any_moment(saved: Path, world: cf.Table) -> None:
    tables = [world, other()]

    def save() -> None:
        for number in range(1000):
            cf.save(tables[number % 2], saved)

    for moment in range(20):
        number = forked(save)
        time.sleep(0.005 * moment)
        os.kill(number, signal.SIGKILL)
        os.waitpid(number, 0)
        opened = cf.open(saved, verify=True)
        assert opened.equals(tables[0]) or opened.equals(tables[1])
    cf.save(other(3), saved)  # sweeps up
    assert list(saved.parent.iterdir()) == [saved]
    assert sorted(saved.iterdir()) == sorted([saved / "carbonflows.json", arrays_of(saved)])
    assert cf.open(saved, verify=True).equals(other(3))


def test_what_another_machine_is_about_to_let_stand_is_left(saved: Path) -> None:
    """Of a process that cannot be asked whether it runs, a generation may stand any moment."""
    theirs, dead = saved / ("a" * 16), saved / ("b" * 16)
    for folder in (theirs, dead):
        folder.mkdir()
        (folder / "x.npy").write_bytes(b"1")
    (saved / f".{theirs.name}.elsewhere-1-ab.tmp").touch()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    Path(f"{saved}/{_atomic._mark(dead)}{gone.pid}-ab.tmp").touch()
    cf.save(other(), saved)
    assert (theirs / "x.npy").exists()
    assert not dead.exists()
    assert not list(saved.glob(".b*"))


def test_threads_that_save_at_once(tmp_path: Path) -> None:
    path = tmp_path / "world"
    threads = [threading.Thread(target=cf.save, args=(other(n), path)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cf.open(path, verify=True)
    cf.save(other(3), path)
    assert len(list(path.iterdir())) == 2
