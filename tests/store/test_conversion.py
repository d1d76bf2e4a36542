"""Conversion of whole folders: what is saved, what is left alone, what a broken table costs."""

from __future__ import annotations

import json
import multiprocessing.connection
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.files import oecd_emission_files
from support.files.store_files import arrays_of, overwrite
from support.worlds import gloria_world

import carbonflows_fast as cf
from carbonflows_fast._base import pool
from carbonflows_fast.cli import main
from carbonflows_fast.store import _convert_all, manifest_of

YEARS = (2001, 2002, 2003)
RUN = "import sys; from carbonflows_fast.cli import main; sys.exit(main())"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder of zips, as downloaded."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    for year in YEARS:
        world = cf.synthetic.world(3, 4, year=year, stressors=2, density=0.7)
        cf.write_exiobase(world, folder / f"IOT_{year}_pxp.zip")
    return folder


def convert(*arguments: str | Path, status: int = 0) -> None:
    assert main(["convert", *map(str, arguments)]) == status


def summary(folder: Path) -> dict[int, tuple[str, Any]]:
    """Read a summary: state and reason by year."""
    rows = json.loads((folder / "summary.json").read_text())
    rows = rows["data"] if isinstance(rows, dict) else rows
    return {row["year"]: (row["state"], row["reason"]) for row in rows}


def test_every_year_is_saved_as_it_reads(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    convert(source, tmp_path / "stores", "--out", tmp_path / "summary.csv", "--workers", "2")
    for year in YEARS:
        saved = cf.open(tmp_path / "stores" / str(year), verify=True)
        assert saved.equals(cf.read(source, year=year))
        assert saved.year == year
    out = capsys.readouterr().out
    assert "3 of 3 tables" in out
    assert len(re.findall(r"^\d{4} .* saved ", out, re.MULTILINE)) == 3
    frame = pd.read_csv(tmp_path / "summary.csv")
    assert frame["state"].tolist() == ["saved"] * 3
    assert frame["rows"].tolist() == [12] * 3
    assert list(cf.Panel(tmp_path / "stores").years) == list(YEARS)


def test_what_is_there_stays_and_what_changed_is_made_anew(source: Path, tmp_path: Path) -> None:
    stores = tmp_path / "stores"
    convert(source, stores, "--years", "2001,2002")
    assert sorted(path.name for path in stores.iterdir()) == ["2001", "2002"]
    before = {year: arrays_of(stores / str(year)) for year in (2001, 2002)}
    changed = cf.synthetic.world(3, 4, year=2002, stressors=2, density=0.9, seed=5)
    (source / "IOT_2002_pxp.zip").unlink()
    cf.write_exiobase(changed, source / "IOT_2002_pxp.zip")
    convert(source, stores, "--out", tmp_path / "summary.json")
    states = {year: state for year, (state, _) in summary(tmp_path).items()}
    assert states == {2001: "there", 2002: "saved", 2003: "saved"}
    assert arrays_of(stores / "2001") == before[2001]
    assert cf.open(stores / "2002").equals(changed)
    convert(source, stores, "--stressor", "CO2", "--years", "2001:2001")  # another question
    assert cf.open(stores / "2001").stressors == ("CO2",)
    convert(source, stores, "--no-resume", "--years", "2002")
    assert arrays_of(stores / "2002") != before[2002]


def test_a_broken_table_costs_its_own_year_alone(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (source / "IOT_2002_pxp.zip").read_bytes()
    (source / "IOT_2002_pxp.zip").write_bytes(_without_x(source / "IOT_2002_pxp.zip"))
    convert(source, tmp_path / "stores", "--out", tmp_path / "summary.json", status=1)
    states = summary(tmp_path)
    assert [states[year][0] for year in YEARS] == ["saved", "failed", "saved"]
    assert "Y.txt" in states[2002][1]
    assert "2 of 3 tables" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "stores").iterdir()) == ["2001", "2003"]
    (source / "IOT_2002_pxp.zip").write_bytes(whole)
    convert(source, tmp_path / "stores")
    assert list(cf.Panel(tmp_path / "stores").years) == list(YEARS)


def _without_x(archive: Path) -> bytes:
    """Cut the last line of Y off."""
    other = archive.with_suffix(".new")
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("Y.txt"):
                content = content[: content.rstrip().rfind(b"\n") + 1]
            new.writestr(name, content)
    content = other.read_bytes()
    other.unlink()
    return content


def test_a_process_that_is_lost_costs_its_own_table_alone(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(answers: Any, seconds: Any) -> Any:
        for process in multiprocessing.active_children():
            if process.name == "2002":
                process.kill()
        return multiprocessing.connection.wait(answers, seconds)

    monkeypatch.setattr(pool, "wait", wait)
    jobs = _convert_all.jobs_of(source, tmp_path / "stores", format=None, stressors=None)
    outcomes = _convert_all.convert_all(jobs, workers=2)
    assert [outcome.state for outcome in outcomes] == ["saved", "failed", "saved"]
    assert "status -9" in outcomes[1].reason


def test_ctrl_c_leaves_whole_tables_alone(source: Path, tmp_path: Path) -> None:
    big = cf.synthetic.world(20, 60, year=2004, stressors=3)
    cf.write_exiobase(big, source / "IOT_2004_pxp.zip")
    stores = tmp_path / "stores"
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "convert", source, stores, "--workers", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    while not (stores / "2001").exists():
        time.sleep(0.02)
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    for path in stores.iterdir():
        assert not path.name.startswith("."), "something half-written is left"
        cf.open(path, verify=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--years", "1950:1960"], "--years: expected"),
        (["--years", "2001,1950"], "got none of 1950"),
        (["--only", "ixi"], "--only: expected"),
        *(
            (
                ["--years", text],
                f"--years: expected FIRST:LAST, the earlier year first, or a list "
                f"with commas, got {text!r}",
            )
            for text in ("x", "", "a:b", "2003:2001", "2001:2002:2003")
        ),
    ],
)
def test_what_is_not_there_is_said(
    source: Path, tmp_path: Path, arguments: list[str], message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    convert(source, tmp_path / "stores", *arguments, status=2)
    assert message in capsys.readouterr().err
    assert not (tmp_path / "stores").exists()


def test_two_tables_of_a_year_need_a_choice(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cf.write_exiobase(cf.synthetic.world(2, 3, year=2002), source / "IOT_2002_ixi.zip")
    convert(source, tmp_path / "stores", status=2)
    err = capsys.readouterr().err
    assert "IOT_2002_ixi.zip" in err
    assert "IOT_2002_pxp.zip" in err
    convert(source, tmp_path / "stores", "--only", "pxp")
    assert list(cf.Panel(tmp_path / "stores").years) == list(YEARS)


@pytest.mark.parametrize("zipped", [False, True])
def test_a_whole_name_chooses_one_alone(tmp_path: Path, zipped: bool) -> None:
    source, stores = tmp_path / "oecd", tmp_path / "stores"
    source.mkdir()
    oecd_emission_files.table(source)
    (file,) = source.glob("*.[cC][sS][vV]")
    archive = file.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w") as opened:
        opened.write(file, file.name)
    convert(source, stores, "--only", file.stem, status=2)
    convert(source, stores, "--only", f"{archive.name}/{file.name}" if zipped else file.name)
    (made,) = stores.iterdir()
    (read,) = manifest_of(made)["origin"]["files"]
    assert read == (archive if zipped else file).name


def test_a_saved_table_is_not_replaced_by_a_folder(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cf.save(cf.synthetic.world(2, 2), tmp_path / "saved")
    convert(source, tmp_path / "saved", status=2)
    assert "expected a folder for 3 saved tables" in capsys.readouterr().err
    assert cf.open(tmp_path / "saved").x.shape == (4,)


def test_no_more_at_a_time_than_fit_into_memory(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    jobs = _convert_all.jobs_of(source, tmp_path, format=None, stressors=None)
    need = max(job.memory for job in jobs)
    for limit, count in ((10 * need, 3), (2 * need, 2), (need, 1)):
        monkeypatch.setattr(_convert_all, "memory_limit", lambda limit=limit: limit)
        assert _convert_all._workers(3, jobs) == count
    caplog.clear()
    monkeypatch.setattr(_convert_all, "memory_limit", lambda: need - 1)
    assert _convert_all._workers(3, jobs) == 1
    assert "a table may need" in caplog.text


def test_other_years_and_stray_files_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, stores = tmp_path / "gloria", tmp_path / "gloria" / "stores"
    for year in (2021, 2022):
        gloria_world.World(year).write(source / f"of {year}", year=year)
    convert(source, stores)
    (source / "readme.txt").write_text("hello")
    with (source / "film.bin").open("wb") as film:
        film.truncate(1 << 40)  # of holes
    gloria_world.World(2020).write(source / "of 2020", year=2020)
    monkeypatch.chdir(tmp_path)
    convert("gloria", "gloria/stores", "--out", tmp_path / "summary.json")
    states = {year: state for year, (state, _) in summary(tmp_path).items()}
    assert states == {2020: "saved", 2021: "there", 2022: "there"}


def test_emissions_that_come_later_count(tmp_path: Path) -> None:
    source = tmp_path / "oecd"
    source.mkdir()
    oecd_emission_files.table(source)
    convert(source, tmp_path / "stores", "--years", "2018")
    oecd_emission_files.sdmx(source, oecd_emission_files.values())
    convert(source, tmp_path / "stores", "--years", "2018")
    assert "PROD_GHG" in cf.open(tmp_path / "stores" / "2018").stressors
    convert(source, tmp_path / "stores", "--years", "2018", "--out", tmp_path / "summary.json")
    assert summary(tmp_path)[2018][0] == "there"


def test_half_a_download_costs_its_own_year_alone(source: Path, tmp_path: Path) -> None:
    zipped = source / "IOT_2002_pxp.zip"
    zipped.write_bytes(zipped.read_bytes()[:1000])
    convert(source, tmp_path / "stores", "--out", tmp_path / "summary.json", status=1)
    states = summary(tmp_path)
    assert [states[year][0] for year in YEARS] == ["saved", "failed", "saved"]
    assert "IOT_2002_pxp.zip: expected a complete and readable file" in states[2002][1]
    assert cf.read(source, year=2001).year == 2001
    for year in (2002, None):
        with pytest.raises(cf.FormatError, match=r"IOT_2002_pxp.zip: expected a complete"):
            cf.read(source, year=year)


def test_a_table_that_was_repaired_or_damaged(source: Path, tmp_path: Path) -> None:
    stores = tmp_path / "stores"
    convert(source, stores)
    other = cf.synthetic.world(2, 2, year=2001)
    cf.save(other, stores / "2001")
    values = arrays_of(stores / "2002") / "values.npy"
    overwrite(values, values.read_bytes()[:-1] + b"x")
    convert(source, stores, "--out", tmp_path / "summary.json")
    states = summary(tmp_path)
    assert [states[year][0] for year in YEARS] == ["kept", "saved", "there"]
    assert cf.open(stores / "2001").equals(other)
    cf.open(stores / "2002", verify=True)


def test_sigterm_stops_all_processes(source: Path, tmp_path: Path) -> None:
    big = cf.synthetic.world(20, 60, year=2000, stressors=3)
    cf.write_exiobase(big, source / "IOT_2000_pxp.zip")
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "convert", source, tmp_path / "stores", "--workers", "2"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    while not (tmp_path / "stores").exists():
        time.sleep(0.02)
        assert process.poll() is None
    process.terminate()
    _, err = process.communicate(timeout=60)  # until all of them have closed their ends
    assert process.returncode == 128 + signal.SIGTERM
    assert not err
    assert not list((tmp_path / "stores").glob(".*"))


def test_the_summary_of_one_table(source: Path, tmp_path: Path) -> None:
    convert(source / "IOT_2001_pxp.zip", tmp_path / "one", "--out", tmp_path / "summary.json")
    assert summary(tmp_path) == {2001: ("saved", "")}
