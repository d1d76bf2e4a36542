"""Panels: what is refused, and the command line."""

from __future__ import annotations

import pickle
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.running.panel_cluster import Cluster, saved_years

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError, PanelError, StoreError
from carbonflows_fast.panel._years import chosen_years

pytestmark = pytest.mark.filterwarnings("ignore")  # of Dask and its event loop
YEARS = range(2010, 2014)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_years(tmp_path_factory.mktemp("store"), YEARS)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(workers=1) as made:
        yield made


# --- what is refused ----------------------------------------------------------------------------


def test_what_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="folder: expected a folder of saved tables, got"):
        cf.Panel(tmp_path)
    with pytest.raises(StoreError, match="which is a saved table itself; give"):
        cf.Panel(folder / "y2010")
    with pytest.raises(StoreError, match="No such file"):
        cf.Panel(tmp_path / "nowhere")
    with pytest.raises(InputError, match="workers: expected a whole number"):
        cf.Panel(folder, workers=0)
    panel = cf.Panel(folder)
    (tmp_path / "file").touch()
    for options, message in (
        ({"years": [1995]}, r"years: expected some of 2010, 2011, 2012, 2013, got 1995"),
        ({"years": range(0)}, "years: expected some of 2010 to 2013"),
        ({"client": 5}, "client: expected an open distributed.Client .* or an address, got int;"),
        ({"client": "tcp://127.0.0.1:1"}, "client: expected the address of a Dask scheduler"),
        ({"resume": 1}, "resume: expected True or False"),
        ({"workers": 2}, r"workers: expected .* got 2; give it to cf\.Panel$"),
        ({"topp": 1}, r"topp: expected an argument of structural_paths \(demand, top,"),
        ({"top": object()}, "options: expected names, numbers"),
        ({"threads": 0}, "threads: expected a whole number"),
        ({"years": 2010.0}, r"years: expected some of 2010, .* got 2010\.0"),
        ({"years": [[2010]]}, r"years: expected some of 2010, .* got \[2010\]"),
        ({"years": slice("2010", None)}, "years: expected slice"),
        ({"years": slice(2010, 2013, 2)}, "got 2010 to 2013 in steps of 2"),
        ({"years": slice(1990, 1995)}, "years: expected some of 2010 to 2013, got 1990 to 1995"),
        ({"out": 3}, "out: expected a folder, got 3"),
        ({"out": tmp_path / "file"}, "out: expected a folder to write to, got .*file"),
        ({"consumers": ["AT", "X"]}, "consumers: expected a region of the table.*, got 'X'"),
    ):
        with pytest.raises(InputError, match=message):
            panel.structural_paths("CO2", **options)
    with pytest.raises(InputError, match="pairs: expected 'chained', 'ends' or 'all'"):
        panel.structural_decomposition("CO2", pairs="first")
    with pytest.raises(InputError, match="years: expected two or more"):
        panel.structural_decomposition("CO2", years=2010)
    cf.save(cf.synthetic.world(2, 3, year=2010), tmp_path / "a")
    cf.save(cf.synthetic.world(2, 3, year=2010), tmp_path / "b")
    with pytest.raises(InputError, match="folder: expected saved tables with one year each"):
        cf.Panel(tmp_path)


def test_a_year_that_lacks_a_consumer_fails_alone(tmp_path: Path) -> None:
    saved_years(tmp_path, range(2010, 2013))
    whole = cf.open(tmp_path / "y2011")
    first, *others = whole.regions
    kept = whole.aggregate(regions=dict.fromkeys(others, others[0]) | {first: others[0]})
    cf.save(kept, tmp_path / "y2011")
    panel, years = cf.Panel(tmp_path), (2010, 2012)
    for consumers in ([first], [others[0], first]):
        with pytest.raises(PanelError) as failure:
            panel.structural_paths("CO2", top=2, consumers=consumers)
        assert list(failure.value.failed) == [f"2011, {first}"]
        assert "consumers: expected a country" in failure.value.failed[f"2011, {first}"]
        done = failure.value.results
        for year in years:
            single = cf.structural_paths(panel[year], "CO2", top=2, demand=first).to_frame()
            pd.testing.assert_frame_equal(
                done.loc[(year, first)].reset_index(drop=True), single.reset_index(drop=True)
            )
        assert ((2011, others[0]) in done.index) == (len(consumers) == 2)
    with pytest.raises(PanelError) as failure:  # pairs look at the later year for it
        panel.structural_decomposition("CO2", consumers=[first])
    assert sorted(failure.value.failed) == [f"2010 → 2011, {first}", f"2011 → 2012, {first}"]
    with pytest.raises(InputError, match="got 'XX'"):  # no year knows it: nothing is computed
        panel.structural_paths("CO2", consumers=[first, "XX"])


def test_a_reason_that_all_years_share_has_parts(folder: Path) -> None:
    panel = cf.Panel(folder)
    with pytest.raises(PanelError) as failure:
        panel.accounts("CO9")
    for error in (failure.value, pickle.loads(pickle.dumps(failure.value))):
        assert (error.argument, error.got) == ("stressor", "'CO9'")
        assert error.remedy.startswith("nearest")
        assert str(error).startswith("accounts: ")
    assert PanelError("two", {"2010": "gone", "2011": "broken"}).argument == ""


@pytest.mark.parametrize("consumers", [0, [], {}, ""])
def test_what_are_no_consumers(folder: Path, consumers: Any) -> None:
    panel = cf.Panel(folder)
    with pytest.raises(InputError, match=r"consumers: expected .*; give e\.g\. \['") as caught:
        panel.structural_paths("CO2", top=2, consumers=consumers)
    wanted = re.findall(r"'(\w+)'", caught.value.remedy)
    assert set(
        panel.structural_paths("CO2", top=2, consumers=wanted).index.get_level_values(1)
    ) == {*wanted}


def test_years_may_be_a_slice(folder: Path) -> None:
    panel = cf.Panel(folder)
    assert list(panel) == list(YEARS)
    assert 2010 in panel
    assert 2014 not in panel
    assert chosen_years(panel.years, slice(2011, 2012)) == [2011, 2012]
    assert chosen_years(panel.years, slice(None, 2011)) == [2010, 2011]
    assert chosen_years(panel.years, 2013) == [2013]


# --- command line -------------------------------------------------------------------------------


def command(*words: Any) -> int:
    from carbonflows_fast.cli import main

    return main([str(word) for word in words])


def test_command_line(
    folder: Path, cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = "--scheduler", cluster.address, "--stressor", "CO2"
    out = tmp_path / "results"
    assert command("panel", "accounts", folder, *where, "--years", "2011:2013", "--out", out) == 0
    assert capsys.readouterr().out.count("written: ") == 3
    assert len(list((out / "accounts").rglob("part-0.parquet"))) == 3
    file = tmp_path / "effects.csv"
    assert command("panel", "decompose", folder, *where, "--pairs", "ends", "--out", file) == 0
    frame = pd.read_csv(file)
    assert list(frame.columns[:3]) == ["since", "year", "factor"]
    assert frame["effect"].sum() == pytest.approx(
        cf.structural_decomposition(*(cf.Panel(folder)[y] for y in (2010, 2013)), "CO2").total
    )
    shown = command("panel", "paths", folder, *where, "--years", "2010,2012", "--top", "3",
                    "--consumers", "all")  # fmt: skip
    assert shown == 0
    printed = capsys.readouterr().out
    assert "structural_paths" in printed
    assert "24 lines in all" in printed
    heads, first = (line.split("  ") for line in printed.splitlines()[-23:-21])
    assert [head.strip() for head in heads if head][-2:] == ["value", "share"]
    assert first[-1].endswith(" %")
    assert "unit: kt" in printed


def test_a_pool_says_nothing_of_itself(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert command("panel", "accounts", folder, "--stressor", "CO2", "--workers", "1") == 0
    assert capfd.readouterr().err == ""


def test_command_line_says_what_failed(
    folder: Path, cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    shutil.copytree(folder, store)
    cf.save(cf.synthetic.world(4, 15, year=2011), store / "y2011")
    where = "--scheduler", cluster.address
    assert command("panel", "accounts", store, *where, "--stressor", "stressor 2") == 1
    printed = capsys.readouterr()
    assert "1 of 4 failed, the others are done; 2011: --stressor: expected" in printed.err
    assert "2012" in printed.out
    file = tmp_path / "kept.csv"
    file.write_text("good")
    words = "panel", "flows", store, *where, "--stressor", "stressor 2", "--years", "2011", "--out"
    assert command(*words, file) == 1
    printed = capsys.readouterr()
    assert "kept.csv not written" in printed.err
    assert printed.out.count("\n") == 1
    assert file.read_text() == "good"
    for words, message in (
        (("accounts", folder, "--top", "3"), "--top: expected an option of accounts"),
        (("sector", folder), "--sectors: expected what to study"),
        (("accounts", folder, "--years", "early"), "--years: expected FIRST:LAST"),
        (("accounts", tmp_path), "STORE: expected a folder of saved tables"),
    ):
        assert command("panel", *words) == 2
        assert message in capsys.readouterr().err
