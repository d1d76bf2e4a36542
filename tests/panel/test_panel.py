"""Panels: the bits of single functions wherever they run, and nothing lost when things go wrong."""

from __future__ import annotations

import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.files.store_files import arrays_of, overwrite
from support.running.panel_cluster import Cluster, saved_years

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError, PanelError
from carbonflows_fast.panel import _tasks
from carbonflows_fast.panel._tasks import Source, Task, is_done, run_task, written

pytestmark = pytest.mark.filterwarnings("ignore")  # of Dask and its event loop when killed
YEARS = range(2010, 2014)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_years(tmp_path_factory.mktemp("store"), YEARS)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(workers=2) as made:
        yield made


def exactly(panel_frame: pd.DataFrame, single: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(
        panel_frame.reset_index(drop=True), single.reset_index(drop=True), check_exact=True
    )


# --- numbers ----------------------------------------------------------------------------------


def test_every_question_has_the_bits_of_the_single_function(folder: Path, cluster: Cluster) -> None:
    panel = cf.Panel(folder)
    assert panel.years == tuple(YEARS)
    assert repr(panel).endswith("4 years: 2010–2013)")
    run: dict[str, Any] = {"client": cluster.address}
    tables = {year: panel[year] for year in panel.years}
    accounts = panel.accounts("CO2", **run)
    assert accounts.index.names == ["year", "region"]
    flows = panel.flows("CO2", demand="AT", **run)
    study = panel.sector_study("CO2", sectors="Wheat", **run)
    paths = panel.structural_paths("CO2", top=20, **run)
    assert paths.attrs["unit"] == "kt"
    for year, table in tables.items():
        exactly(accounts.loc[year], cf.accounts(table, "CO2"))
        exactly(flows.loc[year], cf.flows(table, "CO2", demand="AT").to_frame())
        exactly(study.loc[year], cf.sector_study(table, "CO2", sectors="Wheat").flow)
        single = cf.structural_paths(table, "CO2", top=20)
        exactly(paths.loc[year], single.to_frame())
        assert paths.attrs["by_task"][str(year)]["remainder"] == single.remainder
    for pairs, expected in (
        ("chained", [(2010, 2011), (2011, 2012), (2012, 2013)]),
        ("ends", [(2010, 2013)]),
        ("all", [(a, b) for a in YEARS for b in YEARS if a < b]),
    ):
        effects = panel.structural_decomposition("CO2", pairs=pairs, **run)
        assert effects.index.names == ["since", "year", "factor"]
        changes = panel.structural_path_decomposition("CO2", pairs=pairs, top=10, **run)
        assert list(dict.fromkeys(changes.index)) == expected
        for one in expected:
            two = [tables[year] for year in one]
            exactly(effects.loc[one], cf.structural_decomposition(*two, "CO2").to_frame())
            single = cf.structural_path_decomposition(*two, "CO2", top=10)
            exactly(changes.loc[one], single.to_frame())


def test_the_same_bits_for_one_or_two_workers_and_a_client_of_ones_own(
    folder: Path, cluster: Cluster
) -> None:
    from distributed import Client

    one = cf.Panel(folder, workers=1).accounts("CO2", years=[2013, 2010], progress=False)
    assert list(one.index.unique("year")) == [2010, 2013]
    with Client(cluster.address) as client:
        two = cf.Panel(folder).accounts("CO2", years=[2010, 2013], client=client, threads=2)
        assert client.status == "running"  # it is not ours to close
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_regions_in_tasks_of_their_own(folder: Path, cluster: Cluster) -> None:
    panel = cf.Panel(folder)
    found = panel.structural_paths(
        "CO2", consumers="all", top=5, years=2011, client=cluster.address
    )
    assert found.index.names == ["year", "consumer"]
    for region in panel[2011].regions:
        single = cf.structural_paths(panel[2011], "CO2", demand=region, top=5).to_frame()
        exactly(found.loc[(2011, region)], single)
    with pytest.raises(InputError, match=r"consumers: .* of the table.*'XX'; nearest"):
        panel.structural_paths("CO2", consumers=["XX"], years=2011)
    with pytest.raises(InputError, match=r"consumers: .* got demand as well"):
        panel.structural_paths("CO2", consumers="all", demand="AT")


# --- files --------------------------------------------------------------------------------------


def test_a_data_set_is_resumed_by_content(folder: Path, cluster: Cluster, tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(folder, store)
    out = tmp_path / "results"
    panel = cf.Panel(store)
    ask: dict[str, Any] = {"client": cluster.address, "out": out}
    files = panel.accounts("CO2", **ask)
    assert [file.parent.name for file in files] == [f"year={year}" for year in YEARS]
    data = pd.read_parquet(out / "accounts")
    assert set(data["year"].astype(int)) == set(YEARS)
    assert data["production"].sum() == pytest.approx(panel.accounts("CO2").production.sum())
    facts = written(files[0])
    assert facts["labels"] == {"year": 2010}
    assert facts["attrs"]["unit"] == "kt"
    stamps = [file.stat().st_mtime_ns for file in files]
    assert panel.accounts("CO2", **ask) == files
    assert [file.stat().st_mtime_ns for file in files] == stamps
    # A changed table is computed anew, the others are not.
    cf.save(cf.synthetic.world(4, 15, year=2012, stressors=2, seed=1), store / "y2012")
    cf.Panel(store).accounts("CO2", **ask)
    again = [file.stat().st_mtime_ns for file in files]
    assert [a != b for a, b in zip(stamps, again, strict=True)] == [False, False, True, False]
    panel.accounts("CO2", years=2010, resume=False, **ask)
    assert files[0].stat().st_mtime_ns != stamps[0]
    # Another question may not replace these answers; a damaged file is no answer.
    with pytest.raises(InputError, match="out: expected a folder for accounts with these options"):
        panel.accounts("CO2", demand="AT", **ask)
    files[1].write_bytes(files[1].read_bytes()[:100])
    panel.accounts("CO2", years=2011, **ask)
    assert written(files[1])["labels"] == {"year": 2011}
    assert not [p for p in out.rglob("*") if p.is_file() and p.name != "part-0.parquet"]


def test_a_result_with_a_wrong_bit_is_computed_again(folder: Path, tmp_path: Path) -> None:
    panel, ask = cf.Panel(folder), {"out": tmp_path, "years": 2011}
    (file,) = panel.structural_paths("CO2", top=30, **ask)
    sound, frame = file.read_bytes(), pd.read_parquet(file)
    key, footer = written(file)["key"], int.from_bytes(sound[-8:-4], "little")
    values, copy = len(sound) - 8 - footer, tmp_path / "copy"
    rng = np.random.default_rng(0)
    told = 0
    for at in rng.permutation(len(sound))[:300]:
        copy.write_bytes(sound[:at] + bytes([sound[at] ^ 1 << rng.integers(8)]) + sound[at + 1 :])
        if is_done(copy, key):  # nothing that is read has changed, such as who wrote it
            pd.testing.assert_frame_equal(pd.read_parquet(copy), frame, check_exact=True)
        else:
            told += at < values
    assert told > 0.2 * 300 * values / len(sound)
    for at in (values // 2, sound.index(b'"question"') + 15):
        file.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
        assert panel.structural_paths("CO2", top=30, **ask) == [file]
        pd.testing.assert_frame_equal(pd.read_parquet(file), frame, check_exact=True)
        stamp = file.stat().st_mtime_ns
        panel.structural_paths("CO2", top=30, **ask)
        assert file.stat().st_mtime_ns == stamp


def test_a_data_set_holds_answers_to_one_question(
    folder: Path, cluster: Cluster, tmp_path: Path
) -> None:
    panel = cf.Panel(folder)
    ask: dict[str, Any] = {"client": cluster.address, "out": tmp_path}
    panel.flows("CO2", years=2010, **ask)
    panel.structural_paths("CO2", top=2, years=2010, **ask)
    panel.structural_decomposition("CO2", **ask)
    for another in (
        lambda: panel.flows({"CO2": 2.0}, years=2011, **ask),
        lambda: panel.structural_paths("CO2", top=2, years=2011, consumers="all", **ask),
        lambda: panel.structural_decomposition("CO2", pairs="ends", **ask),
    ):
        with pytest.raises(InputError, match="with the answer to another question"):
            another()
    foreign = tmp_path / "accounts" / "year=2010" / "part-0.parquet"
    foreign.parent.mkdir(parents=True)
    pd.DataFrame({"a": [1]}).to_parquet(foreign)
    with pytest.raises(InputError, match="with the answer to another question"):
        panel.accounts("CO2", **ask)


@pytest.mark.parametrize("what", ["flows", "structural_paths", "sector_study", "accounts"])
def test_files_and_frames_say_unit_and_bound(
    folder: Path, cluster: Cluster, tmp_path: Path, what: str
) -> None:
    panel = cf.Panel(folder)
    ask: dict[str, Any] = {"client": cluster.address, "years": 2010}
    ask |= {
        "structural_paths": {"top": 3},
        "sector_study": {"sectors": panel[2010].sectors[0]},
    }.get(what, {})
    frame = getattr(panel, what)("CO2", **ask)
    (file,) = getattr(panel, what)("CO2", out=tmp_path, **ask)
    assert frame.attrs["unit"] == "kt"
    assert written(file)["attrs"] == pytest.approx(frame.attrs["by_task"]["2010"])
    assert written(file)["attrs"]["error_bound"] > 0


def test_a_year_that_fails_is_named_and_the_others_are_kept(
    folder: Path, cluster: Cluster, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    shutil.copytree(folder, store)
    cf.save(cf.synthetic.world(4, 15, year=2011), store / "y2011")  # with CO2 only
    with pytest.raises(
        PanelError, match=r"1 of 4 failed.*2011: stressor: .*'stressor 2'"
    ) as caught:
        cf.Panel(store).accounts("stressor 2", client=cluster.address)
    assert list(caught.value.failed) == ["2011"]
    assert list(caught.value.results.index.unique("year")) == [2010, 2012, 2013]
    assert pickle.loads(pickle.dumps(caught.value)).failed == caught.value.failed
    with pytest.raises(PanelError):
        cf.Panel(store).accounts("stressor 2", client=cluster.address, out=tmp_path / "out")
    assert len(list((tmp_path / "out").rglob("*.parquet"))) == 3


def test_a_table_that_changes_in_the_meantime_is_noticed(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "t"
    shutil.copytree(folder / "y2010", path)
    for change in ("saved anew", "a byte"):
        task = Task("accounts", (Source.of(path),), (("year", 2010),), {"stressor": "CO2"}, 1,
                    cf.build_info()["instruction_set"], None)  # fmt: skip
        assert run_task(task).frame is not None
        if change == "saved anew":
            cf.save(cf.synthetic.world(4, 15, year=2010, stressors=2, seed=1), path)
        else:
            values = arrays_of(path) / "values.npy"
            content = bytearray(values.read_bytes())
            content[-1] ^= 1
            overwrite(values, content)
        assert "changed on disk while the panel was computed" in run_task(task).failed


def test_a_table_that_another_year_took_the_place_of_is_not_filed_under_the_old_one(
    folder: Path, cluster: Cluster, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    shutil.copytree(folder, store)
    panel = cf.Panel(store)
    cf.save(cf.synthetic.world(4, 15, year=2019, stressors=2), store / "y2010")
    (arrays_of(store / "y2012") / "x.npy").unlink()
    shutil.rmtree(store / "y2013")
    with pytest.raises(PanelError, match=r"3 of 4 failed, the others are done; ") as caught:
        panel.accounts("CO2", client=cluster.address)
    assert list(caught.value.failed) == ["2010", "2013", "2012"]
    assert re.search("expected the table of 2010, .* got that of 2019", caught.value.failed["2010"])
    assert list(caught.value.results.index.unique("year")) == [2011]
    with pytest.raises(PanelError, match=r"1 of 1 failed, none is done; 2010: "):
        panel.accounts("CO2", years=2010)
    with pytest.raises(cf.StoreError, match=r"expected the table of 2010, .* got that of 2019"):
        panel[2010]


def test_a_table_that_changes_during_its_task_gives_no_result(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from carbonflows_fast.panel import _tasks

    path, out = tmp_path / "t", tmp_path / "out" / "part-0.parquet"
    shutil.copytree(folder / "y2010", path)

    def changing(table: cf.Table, **options: Any) -> pd.DataFrame:
        cf.save(cf.synthetic.world(4, 15, year=2010, stressors=2, seed=1), path)
        return cf.accounts(table, **options)

    monkeypatch.setitem(_tasks.QUESTIONS, "accounts", changing)
    task = Task("accounts", (Source.of(path),), (("year", 2010),), {"stressor": "CO2"}, 1,
                cf.build_info()["instruction_set"], str(out))  # fmt: skip
    assert "its result was thrown away" in run_task(task).failed
    assert not out.exists()


# --- lost workers, lost schedulers ---------------------------------------------------------------

LONG = textwrap.dedent(
    """
    import sys
    import carbonflows_fast as cf
    store, out, address = sys.argv[1:4]
    panel = cf.Panel(store, workers=2)
    files = panel.structural_decomposition(
        "CO2", pairs="all", out=out, client=address or None, progress=False
    )
    print(len(files))
    """
)


@pytest.fixture(scope="module")
def long_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("long")
    for year in range(2001, 2007):
        cf.save(cf.synthetic.world(10, 60, year=year), made / str(year))
    return made


def begin(store: Path, out: Path, address: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", LONG, str(store), str(out), address],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=os.environ | environment,
    )  # fmt: skip


def results(out: Path) -> dict[Path, tuple[int, int]]:
    """Files that anybody would see, and which writing of them it is."""
    found = [p for p in out.rglob("*") if p.is_file() and not p.name.startswith(".")]
    assert all(written(path) for path in found)  # complete, each of them
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def wait_for(out: Path, count: int, run: subprocess.Popen[str]) -> dict[Path, tuple[int, int]]:
    ends = time.monotonic() + 120
    while time.monotonic() < ends and run.poll() is None:
        found = results(out)
        if len(found) >= count:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{count} results expected, got {len(results(out))}: {run.stderr}")


def whole(store: Path, out: Path) -> None:
    """Every result is that of the single function."""
    panel = cf.Panel(store)
    for path, _ in results(out).items():
        since, year = (written(path)["labels"][name] for name in ("since", "year"))
        single = cf.structural_decomposition(panel[since], panel[year], "CO2").to_frame()
        frame = pd.read_parquet(path)["effect"]
        np.testing.assert_array_equal(frame.to_numpy(), single["effect"].to_numpy())


def test_a_worker_that_is_killed_costs_its_task_another_try(
    long_store: Path, tmp_path: Path
) -> None:
    with Cluster(workers=2) as cluster:
        run = begin(long_store, tmp_path, cluster.address)
        before = wait_for(tmp_path, 2, run)
        cluster.workers[0].send_signal(signal.SIGKILL)
        text, errors = run.communicate(timeout=120)
    assert run.returncode == 0, errors
    assert text.strip() == "15"
    after = results(tmp_path)
    assert len(after) == 15
    assert all(after[path] == stamp for path, stamp in before.items())
    whole(long_store, tmp_path)


def test_a_scheduler_that_is_killed_leaves_what_was_written(
    long_store: Path, tmp_path: Path
) -> None:
    with Cluster(workers=2) as cluster:
        # Dask looks for a scheduler for 30 seconds unless it is told to give up.
        soon = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "3s"}
        run = begin(long_store, tmp_path, cluster.address, **soon)
        wait_for(tmp_path, 2, run)
        cluster.scheduler.send_signal(signal.SIGKILL)
        _, errors = run.communicate(timeout=120)
        assert run.returncode != 0
        assert "a scheduler to the end, got one that was lost" in errors, errors
    before = results(tmp_path)
    assert 2 <= len(before) < 15
    files = cf.Panel(long_store).structural_decomposition("CO2", pairs="all", out=tmp_path)
    after = results(tmp_path)
    assert sorted(files) == sorted(after)
    assert len(after) == 15
    assert all(after[path] == stamp for path, stamp in before.items())
    whole(long_store, tmp_path)


def test_an_interrupt_stops_a_local_run_and_leaves_no_process(
    long_store: Path, tmp_path: Path
) -> None:
    import psutil

    run = begin(long_store, tmp_path, "")
    wait_for(tmp_path, 1, run)
    children = psutil.Process(run.pid).children(recursive=True)
    assert children
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does
    _, errors = run.communicate(timeout=60)
    assert run.returncode != 0
    assert errors.count("Traceback") == 1, errors
    assert "KeyboardInterrupt" in errors
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    assert results(tmp_path)


def test_a_worker_without_memory_says_so_in_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> pd.DataFrame:
        raise MemoryError

    monkeypatch.setitem(_tasks.QUESTIONS, "accounts", fail)
    (path,) = (p for p in folder.iterdir() if p.name.endswith("2010"))
    task = Task("accounts", (Source.of(path),), (("year", 2010),), {}, 1,
                cf.build_info()["instruction_set"], None)  # fmt: skip
    assert run_task(task).failed == "not enough memory"
