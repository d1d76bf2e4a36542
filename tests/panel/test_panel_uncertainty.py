"""How sure a panel is: the bits of single functions, nothing drawn twice, years that share."""

from __future__ import annotations

import os
import pickle
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
import scipy.sparse as sp
from support.running.panel_cluster import Cluster, saved_years

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError, PanelError
from carbonflows_fast.panel import _asking, _here, _tasks
from carbonflows_fast.panel._described import described
from carbonflows_fast.panel._tasks import written

pytestmark = pytest.mark.filterwarnings("ignore")  # of Dask and its event loop when killed
YEARS = (2010, 2011, 2012)
FUEL = cf.SharedError("fuel", 0.1, F=1.0, F_Y=1.0)
ERRORS = cf.Errors(Z={"domestic": 0.05, "trade": 0.2}, Y=0.1, F=0.1, shared=FUEL)
ESTIMATES = {"mean": "mean", "bias": "bias", "drawn_sd": "sd"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_years(tmp_path_factory.mktemp("store"), YEARS)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(workers=2) as made:
        yield made


@pytest.fixture(autouse=True)
def small_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_asking, "DRAWS_IN_A_TASK", 4)


def stamps(out: Path) -> dict[str, tuple[int, int]]:
    """Files that are finished, and which writing of them it is."""
    found = [path for path in out.rglob("*.parquet") if not path.name.startswith(".")]
    return {
        str(path.relative_to(out)): (path.stat().st_ino, path.stat().st_mtime_ns) for path in found
    }


# --- numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("of", ["accounts", "flows"])
def test_each_year_has_the_bits_of_the_single_function(
    folder: Path, cluster: Cluster, tmp_path: Path, of: Any
) -> None:
    asked: dict[str, Any] = {"of": of, "draws": 6, "seed": 3, "correlation": 0.4}
    panel = cf.Panel(folder)
    here = panel.uncertainty("CO2", ERRORS, progress=False, **asked)
    assert here.attrs["by_task"]["2010"]["draws"] == 6
    there = panel.uncertainty("CO2", ERRORS, client=cluster.address, **asked)
    pd.testing.assert_frame_equal(here, there, check_exact=True)
    files = panel.uncertainty("CO2", ERRORS, client=cluster.address, out=tmp_path, **asked)
    levels = ["region", "account"] if of == "accounts" else ["from", "to"]
    assert here.index.names == ["year", *levels]
    for year, file in zip(YEARS, files, strict=True):
        frame = pd.read_parquet(file, partitioning=None).set_index(levels)
        found = here.loc[year]
        pd.testing.assert_frame_equal(frame[list(found)], found, check_exact=True)
        single = cf.uncertainty(panel[year], "CO2", ERRORS, **asked)
        for name, whole in (("value", single.value), ("sd", single.sd)):
            np.testing.assert_array_equal(found[name], whole.to_numpy().ravel())
        assert single.drawn is not None
        estimates = {name: getattr(single.drawn, own) for name, own in ESTIMATES.items()}
        estimates |= {"q5": single.drawn.quantile(0.05), "q95": single.drawn.quantile(0.95)}
        for name, (value, error) in estimates.items():
            for given, column in ((value, name), (error, f"{name}_error")):
                cells = [(row, one) for row in given.index for one in given]
                np.testing.assert_array_equal(
                    found.loc[cells, column], given.to_numpy().ravel(), err_msg=column
                )


def test_one_worker_and_two_give_the_same_bits(folder: Path) -> None:
    asked: dict[str, Any] = {"draws": 8, "years": [2010, 2011], "progress": False}
    one, two = (
        cf.Panel(folder, workers=count).uncertainty("CO2", ERRORS, **asked) for count in (1, 2)
    )
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_changes_are_those_of_cf_difference(folder: Path) -> None:
    panel = cf.Panel(folder)
    for pairs, expected in (
        ("chained", [(2010, 2011), (2011, 2012)]),
        ("ends", [(2010, 2012)]),
        ("all", [(2010, 2011), (2010, 2012), (2011, 2012)]),
    ):
        found = panel.difference("CO2", ERRORS, pairs=pairs, correlation=0.3)
        assert list(found.index.droplevel(["region", "account"]).unique()) == expected
        for pair in expected:
            two = (cf.uncertainty(panel[year], "CO2", ERRORS) for year in pair)
            single = cf.difference(*two, correlation=0.3)
            for name, whole in (
                ("value", single.value),
                ("sd", single.sd),
                ("fell", single.probability(below=0.0)),
            ):
                np.testing.assert_array_equal(found.loc[pair, name], whole.to_numpy().ravel())


# --- what years share ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def equal_years(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made, table = tmp_path_factory.mktemp("equal"), cf.synthetic.world(3, 4)
    for year in (2000, 2009):
        cf.save(table.with_changes(year=year), made / str(year))
    return made


def test_shared_errors_cancel_in_the_change_of_two_equal_years(equal_years: Path) -> None:
    errors = cf.Errors(shared=[FUEL, cf.SharedError("trade", 0.2, Z={"trade": 1.0}, Y=0.3)])
    panel = cf.Panel(equal_years)
    found = panel.difference("CO2", errors, draws=6)
    assert not found[["value", "sd"]].to_numpy().any()
    assert not found[["mean", "drawn_sd", "q5", "q95"]].fillna(0.0).to_numpy().any()
    alone = panel.uncertainty("CO2", errors, draws=6)
    assert alone.xs("consumption", level="account")["drawn_sd"].min() > 0.0


@pytest.mark.parametrize("rho", [0.0, 0.7, 1.0])
def test_own_errors_of_two_years_are_as_correlated_as_is_asked_for(
    equal_years: Path, tmp_path: Path, rho: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_asking, "DRAWS_IN_A_TASK", 100)
    panel, count = cf.Panel(equal_years), 200
    asked: dict[str, Any] = {"draws": count, "correlation": rho, "progress": False}
    found = panel.difference("CO2", cf.Errors(F=0.1), **asked, out=tmp_path)
    frame = pd.read_parquet(found[0], partitioning=None).set_index(["region", "account"])
    made = frame.xs("consumption", level="account")
    np.testing.assert_allclose(made["drawn_sd"], made["sd"], rtol=1e-6, atol=1e-9)
    drawn = pd.read_parquet(tmp_path / "draws")
    drawn = drawn[drawn.account == "consumption"]
    for _, region in drawn.groupby("region"):
        one, other = (part.sort_values("draw")["answer"] for _, part in region.groupby("year"))
        apart = np.corrcoef(one, other)[0, 1] - rho
        assert abs(apart) < 4.5 * (1.0 - rho**2) / count**0.5 + 1e-9


def test_how_sure_a_fall_is_agrees_with_the_first_order(folder: Path) -> None:
    """Errors of F alone make normal answers, nearly: both say the same within sampling error."""
    found = cf.Panel(folder).difference("CO2", cf.Errors(F=0.1, shared=FUEL), draws=100)
    made = found.xs("consumption", level="account")
    apart = (made["drawn_fell"] - made["fell"]).abs()
    assert (apart < 4.5 * np.hypot(made["drawn_fell_error"], 0.02)).all()
    assert made["fell"].between(0.01, 0.99).any()


# --- files --------------------------------------------------------------------------------------


def test_nothing_is_drawn_twice(folder: Path, tmp_path: Path) -> None:
    panel, ask = cf.Panel(folder), {"out": tmp_path / "few", "progress": False}
    assert len(panel.uncertainty("CO2", ERRORS, draws=8, **ask)) == 3
    before = stamps(tmp_path / "few")
    assert len([name for name in before if name.startswith("draws/")]) == 6
    panel.uncertainty("CO2", ERRORS, draws=8, **ask)
    assert stamps(tmp_path / "few") == before
    panel.difference("CO2", ERRORS, draws=8, **ask)
    after = stamps(tmp_path / "few")
    assert {name: after[name] for name in before} == before
    assert {name.split("/")[0] for name in after.keys() - before.keys()} == {"difference"}
    # Another answer has another place, and that is said before anything is drawn.
    with pytest.raises(InputError, match="out: expected a folder for uncertainty with these opt"):
        panel.uncertainty("CO2", ERRORS, draws=12, **ask)
    assert stamps(tmp_path / "few") == after
    shutil.rmtree(tmp_path / "few" / "uncertainty")
    with pytest.raises(InputError, match="out: expected a folder for draws with these options"):
        panel.uncertainty("CO2", cf.Errors(F=0.1), draws=8, **ask)


def test_more_draws_and_fewer_are_those_that_are_there_and_what_they_lack(
    folder: Path, tmp_path: Path
) -> None:
    panel, ask = cf.Panel(folder), {"years": 2010, "out": tmp_path, "progress": False}
    for draws in (6, 13, 5):
        before = stamps(tmp_path)
        (file,) = panel.uncertainty("CO2", ERRORS, draws=draws, **ask)
        made = pd.read_parquet(tmp_path / "draws")
        assert sorted(made["draw"].unique()) == list(range(6 if draws == 6 else 13))
        assert not made.duplicated(["draw", "region", "account"]).any()
        kept = {name: stamp for name, stamp in before.items() if name.startswith("draws/")}
        assert kept.items() <= stamps(tmp_path).items()
        found = pd.read_parquet(file, partitioning=None).set_index(["region", "account"])
        alone = panel.uncertainty("CO2", ERRORS, draws=draws, years=2010)
        np.testing.assert_array_equal(found["drawn_sd"], alone["drawn_sd"])
        shutil.rmtree(tmp_path / "uncertainty")


def test_draws_that_were_damaged_are_made_again(folder: Path, tmp_path: Path) -> None:
    panel, ask = cf.Panel(folder), {"out": tmp_path, "years": 2010, "draws": 8}
    (file,) = panel.uncertainty("CO2", ERRORS, **ask)
    expected = pd.read_parquet(file, partitioning=None)
    part = tmp_path / "draws/year=2010/draws=4-7/part-0.parquet"
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    file.unlink()
    panel.uncertainty("CO2", ERRORS, **ask)
    pd.testing.assert_frame_equal(pd.read_parquet(file, partitioning=None), expected)


LONG = textwrap.dedent(
    """
    import sys
    import carbonflows_fast as cf
    from carbonflows_fast.panel import _asking
    _asking.DRAWS_IN_A_TASK = 4
    store, out = sys.argv[1:3]
    errors = cf.Errors(Z=0.1, Y=0.1, F=0.1)
    cf.Panel(store, workers=2).difference(
        errors=errors, of="flows", draws=24, out=out, progress=False
    )
    """
)


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_ends_early_is_taken_up_where_it_stopped(tmp_path: Path, by: int) -> None:
    store, out = tmp_path / "store", tmp_path / "out"
    for year in (2001, 2002):
        cf.save(cf.synthetic.world(10, 60, year=year), store / str(year))
    command = [sys.executable, "-c", LONG, str(store), str(out)]
    run = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
    ends = time.monotonic() + 120
    while len(before := stamps(out)) < 3:
        assert run.poll() is None, run.stderr and run.stderr.read()
        assert time.monotonic() < ends
        time.sleep(0.01)
    os.killpg(run.pid, by)
    run.communicate(timeout=60)
    assert run.returncode != 0
    before = stamps(out)
    assert 3 <= len(before) < 13
    subprocess.run(command, check=True, timeout=120)
    after = stamps(out)
    assert len(after) == 13  # 2 years × 6 tasks, and what they come to
    assert {name: after[name] for name in before} == before


# --- tasks ----------------------------------------------------------------------------------


def test_tasks_are_small_and_shared_by_workers(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = []

    def seen(task: Any) -> Any:
        tasks.append(task)
        return _tasks.run_task(task)

    monkeypatch.setattr(_here, "run_task", seen)
    cf.Panel(folder).difference("CO2", ERRORS, draws=10, out=tmp_path)
    assert [task.name for task in tasks[:3]] == [
        f"2010, draws {part}" for part in ("0-3", "4-7", "8-9")
    ]
    assert [task.name for task in tasks[9:]] == ["2010 → 2011", "2011 → 2012"]
    assert max(len(pickle.dumps(task)) for task in tasks) < 5000
    assert len({task.key for task in tasks}) == len(tasks)


def forms() -> list[cf.Errors]:
    """Errors of which no two are the same."""
    cells, law = np.arange(4.0).reshape(2, 2) / 10, cf.BySize(0.1, -0.2)
    frame = pd.DataFrame(cells, list("ab"), list("cd"))
    other = pd.DataFrame(cells, list("ab"), list("ce"))
    two = [FUEL, cf.SharedError("trade", 0.1, Z=1.0)]
    given: list[Any] = [
        0.1, 0.2, law, cf.BySize(0.1, -0.2, at_most=1.0), {"domestic": 0.1, "trade": 0.2},
        {"domestic": 0.2, "trade": 0.1}, {"domestic": 0.1}, {("DE", None): 0.1},
        {(None, "DE"): 0.1}, {"trade": law}, cells, cells.T.copy(), frame, other,
        sp.csr_array(cells), sp.csr_array(cells.T),
    ]  # fmt: skip
    made = [cf.Errors(Z=one) for one in given] + [cf.Errors(Y=one) for one in given]
    made += [cf.Errors(shared=one) for one in (FUEL, two, two[::-1])]
    made += [cf.Errors(shared=cf.SharedError("fuel", 0.2, F=1.0, F_Y=1.0))]
    return [*made, cf.Errors(), cf.Errors(Z=0.1, distribution="uniform")]


def test_errors_are_described_by_their_content() -> None:
    texts = [str(described(errors)) for errors in forms()]
    assert len(set(texts)) == len(texts)
    assert texts == [str(described(pickle.loads(pickle.dumps(errors)))) for errors in forms()]
    labels = {"domestic": 0.1, "trade": 0.2}
    turned = dict(reversed(labels.items()))
    assert described(cf.Errors(Z=labels)) == described(cf.Errors(Z=turned))
    order = np.asfortranarray(np.arange(4.0).reshape(2, 2))
    assert described(cf.Errors(Z=order)) == described(cf.Errors(Z=np.ascontiguousarray(order)))


# --- what is refused, and what fails ------------------------------------------------------------


def test_what_is_refused(folder: Path) -> None:
    panel = cf.Panel(folder)
    uniform = cf.Errors(F=0.1, distribution="uniform")
    for errors, asked, message in (
        (None, {}, "errors: expected how wrong the table may be"),
        (ERRORS, {"of": "paths"}, "of: expected 'accounts' or 'flows'"),
        (ERRORS, {"draws": 1}, "draws: expected a whole number"),
        (ERRORS, {"until": 0.1}, "until: expected an argument of uncertainty"),
        (ERRORS, {"correlation": 2}, "correlation: expected a number from 0 to 1"),
        (ERRORS, {"correlation": 0.5}, "correlation: expected draws, got none; add e.g. draws=50"),
        (ERRORS, {"seed": 3}, "seed: expected draws, got none; add e.g. draws=50"),
        (uniform, {"draws": 2, "correlation": 0.5}, "expected 0 or 1 for draws of a uniform"),
        (cf.Errors(Z=np.zeros((1500, 1500))), {}, "errors: expected at most 16 MB"),
    ):
        with pytest.raises(InputError, match=message):
            panel.uncertainty("CO2", errors, **asked)
    with pytest.raises(InputError, match="years: expected two or more"):
        panel.difference("CO2", ERRORS, years=2010)


@pytest.mark.parametrize("draws", [None, 6])
@pytest.mark.parametrize("written_to", [False, True])
def test_a_year_that_fails_is_named_and_the_others_are_kept(
    tmp_path: Path, draws: Any, written_to: bool
) -> None:
    saved_years(tmp_path / "store", YEARS)
    cf.save(cf.synthetic.world(4, 15, year=2011), tmp_path / "store" / "y2011")  # CO2 alone
    asked = {"draws": draws} | ({"out": tmp_path / "out"} if written_to else {})
    panel = cf.Panel(tmp_path / "store")
    with pytest.raises(PanelError, match=r"uncertainty: 1 of 3 failed") as caught:
        panel.uncertainty("stressor 2", ERRORS, **asked)
    assert list(caught.value.failed) == ["2011"]
    assert "'stressor 2'" in caught.value.failed["2011"]
    if not written_to:
        assert list(caught.value.results.index.unique("year")) == [2010, 2012]
        assert ("mean" in caught.value.results) == (draws is not None)
    with pytest.raises(PanelError, match=r"difference: 2 of 2 failed"):
        panel.difference("stressor 2", ERRORS, **asked)


def test_a_year_of_which_hardly_any_draw_is_productive_fails_alone(tmp_path: Path) -> None:
    """Row b delivers 10 and takes back nearly as much: its output may be nothing."""
    for year, returned in ((2000, -9.0), (2001, -1.0)):
        table = cf.Table(
            Z=[[20.0, 3.0], [10.0, 0.0]], Y=[[40.0], [returned]], F=[[5.0, 1.0]], year=year,
            regions=["DE", "FR"], sectors=["a", "b"], stressors="CO2", demand=[("DE", "all")],
        )  # fmt: skip
        cf.save(table, tmp_path / str(year))
    with pytest.raises(PanelError, match=r"1 of 2 failed.* draws: expected at least two") as caught:
        cf.Panel(tmp_path).uncertainty("CO2", cf.Errors(Y=0.1), draws=2, seed=3)
    assert list(caught.value.failed) == ["2000"]
    attrs = caught.value.results.attrs["by_task"]["2001"]
    assert (attrs["draws"], attrs["not_productive"]) == (2, 0)


def test_files_say_how_many_draws_there_are(folder: Path, tmp_path: Path) -> None:
    (file,) = cf.Panel(folder).uncertainty("CO2", ERRORS, draws=5, years=2010, out=tmp_path)
    facts = written(file)["attrs"]
    assert {name: facts[name] for name in ("draws", "not_productive", "turned", "unit")} == {
        "draws": 5, "not_productive": 0, "turned": 0, "unit": "kt",
    }  # fmt: skip


# --- command line -------------------------------------------------------------------------------


def test_command_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from carbonflows_fast.cli import main

    file, out = tmp_path / "errors.toml", tmp_path / "fell.csv"
    file.write_text("Z = 0.1\nF = 0.1\n")
    errors = cf.Errors.read(file)
    words = ["panel", "difference", str(folder), "--stressor", "CO2", "--pairs", "ends"]
    asked = ["--errors", str(file), "--draws", "5", "--seed", "2", "--correlation", "0.5"]
    assert main([*words, *asked, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "fell" in printed
    assert "unit: kt" in printed
    expected = cf.Panel(folder).difference(
        "CO2", errors, pairs="ends", draws=5, seed=2, correlation=0.5
    )
    frame = pd.read_csv(out)
    assert list(frame.columns[:4]) == ["since", "year", "region", "account"]
    np.testing.assert_allclose(frame["drawn_sd"], expected["drawn_sd"], rtol=1e-12)
    folders = ["panel", "uncertainty", str(folder), "--stressor", "CO2", "--of", "flows"]
    assert main([*folders, "--errors", str(file), "--out", str(tmp_path / "results")]) == 0
    assert len(list((tmp_path / "results" / "uncertainty").rglob("part-0.parquet"))) == 3
    capsys.readouterr()
    for wrong, message in (
        (words, "--errors: expected a file that says how wrong the tables may be"),
        ([*words, *asked, "--demand", "AT"], "--errors: expected the whole final demand"),
        ([*words, *asked, "--top", "3"], "--top: expected an option of difference"),
        (
            [*words, "--errors", str(file), "--seed", "3"],
            "--seed: expected draws, got none; add e.g. --draws 50",
        ),
        (
            [*folders, "--errors", str(file), "--correlation", "0.5"],
            "--correlation: expected draws, got none; add e.g. --draws 50, or ask for a difference",
        ),
        (["panel", "flows", str(folder), *asked], "--errors: expected an option of flows"),
    ):
        assert main(wrong) == 2
        assert message in capsys.readouterr().err
