"""The command line: what it prints, what it writes, and how it says that something is wrong."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.running.shell import Shell

import carbonflows_fast as cf
from carbonflows_fast.cli import _files, main
from carbonflows_fast.cli import _main as cli
from carbonflows_fast.table._table import with_notes


@pytest.fixture(scope="module")
def table() -> cf.Table:
    return cf.synthetic.world(4, 6, density=0.7)


@pytest.fixture(scope="module")
def saved(table: cf.Table, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(cf.save(table, tmp_path_factory.mktemp("saved") / "world"))


@pytest.fixture(scope="module")
def text(table: cf.Table, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("text") / "world.zip"
    cf.write_exiobase(table, path)
    return str(path)


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A world of three stressors, saved and as text."""
    folder = tmp_path_factory.mktemp("several")
    table = cf.synthetic.world(3, 4, stressors=3, density=0.8)
    cf.write_exiobase(table, folder / "text")
    return {
        "saved": str(cf.save(table, folder / "saved")),
        "text": str(folder / "text"),
    }


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


# --- demo and info --------------------------------------------------------------------------


def test_demo_shows_accounts_flows_bound_and_times(shell: Shell) -> None:
    out = shell("demo", "--regions", "5", "--sectors", "8", "--seed", "3", "--top", "4")
    assert "invented numbers" in out
    for word in ("AT ", "cross a border", "net transfers", "certified relative error bound"):
        assert word in out
    bound = float(re.findall(r"certified relative error bound (\S+)", out)[0])
    assert 0 < bound <= 1e-10
    flows = out.split("emitted in")[1].split("certified")[0]
    assert len(flows.strip().splitlines()) == 1 + 4
    for step in ("build the world", "prepare the system", "solve for all", "national accounts"):
        assert re.search(rf"^{step}.* \d+\.\d\d ", out, re.MULTILINE)


def test_demo_lists_the_largest_regions_or_all(shell: Shell) -> None:
    arguments = ("demo", "--regions", "20", "--sectors", "2")
    few, every = shell(*arguments), shell(*arguments, "--all")
    rows = [len(re.findall(r"^[A-Z]{2} +[\d,.]+ .*%$", out, re.MULTILINE)) for out in (few, every)]
    assert rows == [15, 20]
    assert "all 20" in few


def test_demo_of_one_region_has_no_flows(shell: Shell) -> None:
    assert "0.0 % of industrial emissions" in shell("demo", "--regions", "1", "--sectors", "3")


def test_demo_shows_progress_on_a_terminal(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("carbonflows_fast._base.progress._is_terminal", lambda stream: True)
    assert main(["demo", "--regions", "2", "--sectors", "2"]) == 0
    err = capsys.readouterr().err
    assert "solve for all regions  [" in err
    assert err.endswith("\n")
    assert "4/4" in err


def test_threads_count_for_one_command_only(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, saved: str
) -> None:
    monkeypatch.delenv(cli.THREADS, raising=False)
    for arguments in (("demo", "--regions", "2", "--sectors", "2"), ("flows", saved)):
        seen = []
        real = cf.flows

        def spy(*given: Any, real: Any = real, seen: Any = seen, **named: Any) -> Any:
            seen.append(os.environ.get(cli.THREADS))
            return real(*given, **named)

        with monkeypatch.context() as patch:
            patch.setattr(cf, "flows", spy)
            shell(*arguments, "--threads", "3")
        assert seen == ["3"]
        assert cli.THREADS not in os.environ
    monkeypatch.setenv(cli.THREADS, "1")
    shell("accounts", saved, "--threads", "2")
    assert os.environ[cli.THREADS] == "1"


def test_info_describes_the_installation(shell: Shell) -> None:
    out = shell("info")
    assert re.search(rf"^version +{re.escape(cf.__version__)}$", out, re.MULTILINE)
    assert re.search(r"^threads +\d+$", out, re.MULTILINE)


@pytest.mark.parametrize("kind", ["saved", "text"])
def test_info_describes_a_table(shell: Shell, kind: str, several: dict[str, str]) -> None:
    out = shell("info", several[kind])
    assert "invented numbers" in out
    for key, value in (
        ("year", "2019"),
        ("regions", "3: AT; BE; BG"),
        ("rows", "12, in M.EUR"),
        ("stressors", r"3: CO2 \(kt\); stressor 2 \(kt\); stressor 3 \(kt\)"),
    ):
        assert re.search(rf"^{key} +{value}$", out, re.MULTILINE), key
    form = "A, tiles" if kind == "saved" else "Z, (sparse|dense)"
    assert re.search(rf"^matrix +{form}$", out, re.MULTILINE)


def test_info_tells_how_a_table_was_read(shell: Shell, tmp_path: Path) -> None:
    cf.save(with_notes(cf.synthetic.world(2, 3), "Emissions are split by output."), tmp_path / "t")
    assert re.search(r"^note +Emissions are split by output\.$", shell("info", str(tmp_path / "t")),
                     re.MULTILINE)  # fmt: skip


def test_version_and_help(shell: Shell) -> None:
    assert shell("--version") == f"carbonflows-fast {cf.__version__}\n"
    out = shell("--help")
    for command in ("demo", "info", "check", "repair", "convert", "accounts", "flows", "paths"):
        assert command in out
        assert "usage: carbonflows-fast" in shell(command, "--help")


# --- check and convert ----------------------------------------------------------------------


def test_check_of_a_sound_table(shell: Shell, saved: str, text: str, tmp_path: Path) -> None:
    for path in (saved, text):
        out = shell("check", path, "--out", tmp_path / "findings.csv")
        assert "ok (0 errors" in out
    findings = pd.read_csv(tmp_path / "findings.csv")
    assert "severity" in findings.columns


def test_check_finds_a_damaged_store(shell: Shell, table: cf.Table, tmp_path: Path) -> None:
    path = cf.save(table, tmp_path / "world")
    largest = max(path.rglob("*.npy"), key=lambda file: file.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[-1] ^= 1
    largest.chmod(0o600)
    largest.write_bytes(content)
    assert "not ok (1 error" in shell("check", path, status=1)


def test_convert_makes_an_equal_table(
    shell: Shell, table: cf.Table, text: str, tmp_path: Path
) -> None:
    out = shell("convert", text, tmp_path / "saved")
    assert f"saved: {tmp_path / 'saved'} (" in out
    converted, read = cf.open(tmp_path / "saved"), cf.read(text)
    assert converted.equals(read)
    assert os.listdir(tmp_path) == ["saved"]


def test_convert_keeps_chosen_stressors(
    shell: Shell, several: dict[str, str], tmp_path: Path
) -> None:
    chosen = ("--stressor", "stressor 3", "--stressor", "CO2")
    shell("convert", several["text"], tmp_path / "some", *chosen)
    assert set(cf.open(tmp_path / "some").stressors) == {"CO2", "stressor 3"}
    err = shell("convert", several["saved"], tmp_path / "other", *chosen, status=2)
    assert "--stressor: expected a table in text files" in err
    assert not (tmp_path / "other").exists()


# --- accounts and flows ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["saved", "text"])
def test_accounts_prints_every_region(
    shell: Shell, table: cf.Table, kind: str, saved: str, text: str
) -> None:
    out = shell("accounts", {"saved": saved, "text": text}[kind])
    frame = cf.accounts(table)
    for region, row in frame.iterrows():
        printed = re.search(rf"^{region} .* ([-+][\d.]+) %$", out, re.MULTILINE)
        assert printed is not None
        assert float(printed[1]) == pytest.approx(100 * row["net_share"], abs=0.05)
        assert f"{row['production']:,.0f}" in out
    assert "in kt; production and consumption include households' own emissions" in out
    assert "certified: no account is wrong by more than" in out


def read_back(path: Path) -> Any:
    exact = functools.partial(pd.read_csv, engine="pyarrow")  # others round in some versions
    readers = {".csv": exact, ".parquet": pd.read_parquet, ".json": pd.DataFrame}
    given = json.loads(path.read_text(encoding="utf-8")) if path.suffix == ".json" else path
    return readers[path.suffix](given)


@pytest.mark.parametrize("extension", [".csv", ".parquet", ".json"])
def test_out_keeps_every_digit(
    shell: Shell, table: cf.Table, saved: str, tmp_path: Path, extension: str
) -> None:
    accounts, flows = tmp_path / f"accounts{extension}", tmp_path / f"flows{extension}"
    assert f"written: {accounts}" in shell("accounts", saved, "--out", accounts)
    shell("flows", saved, "--out", flows, "--top", "1")
    opened = cf.open(saved)
    found = read_back(accounts)
    expected = cf.accounts(opened).reset_index()
    assert list(found.columns) == [*expected.columns, "stressor", "unit"]
    assert set(found["unit"]) == {"kt"}
    assert set(found["stressor"]) == {expected.attrs["stressor"]}
    pd.testing.assert_frame_equal(
        found.drop(columns=["stressor", "unit"]), expected, check_dtype=False, rtol=1e-15, atol=0
    )
    found = read_back(flows)
    assert len(found) == len(table.regions) ** 2
    pd.testing.assert_frame_equal(
        found.drop(columns=["stressor", "unit"]),
        cf.flows(opened).to_frame(),
        check_dtype=False,
        rtol=1e-15,
        atol=0,
    )
    assert sorted(os.listdir(tmp_path)) == sorted([accounts.name, flows.name])


def test_flows_prints_shares_and_the_largest(shell: Shell, table: cf.Table, saved: str) -> None:
    out = shell("flows", saved, "--top", "3")
    flows = cf.flows(table)
    assert f"{100 * flows.traded_share:.1f} % of industrial emissions cross a border" in out
    assert f"{100 * flows.traded_share_all:.1f} % of all emissions" in out
    assert f"net transfers: {flows.net_transfers:,.0f} kt" in out
    rows = out.split("share\n")[1].splitlines()[:3]
    top = flows.top(3)
    for row, origin, consumer in zip(rows, top["from"], top["to"], strict=True):
        assert row.split()[:2] == [origin, consumer]


def test_demand_selects(shell: Shell, table: cf.Table, saved: str) -> None:
    category = table.categories[0]
    out = shell("accounts", saved, "--demand", "BE", "--demand", f"BG:{category}")
    expected = cf.accounts(table, demand=["BE", ("BG", category)])
    assert f"{expected['production'].sum():,.0f}" in out
    assert f"for the final demand of BE, BG:{category}" in out
    out = shell("flows", saved, "--demand", f":{category}")
    assert f"{cf.flows(table, demand=(None, category)).total:,.0f} kt" in out


@pytest.mark.parametrize("kind", ["saved", "text"])
def test_stressor_selects(shell: Shell, several: dict[str, str], kind: str) -> None:
    out = shell("accounts", several[kind], "--stressor", "stressor 2")
    expected = cf.accounts(cf.open(several["saved"]), "stressor 2")
    assert ", stressor 2\n" in out
    assert f"{expected['production'].sum():,.0f}" in out


@pytest.mark.real_data
def test_wiod_2009(shell: Shell, real_data: Path) -> None:
    # WIOD 2013 release (Timmer et al. 2015), CO2 by JRC (Corsatea et al. 2019).
    path = real_data / "wiod2013_2009.zip"
    out = shell("accounts", path)
    for region, share in (
        ("GBR", "+23.3"),
        ("DEU", "+18.8"),
        ("JPN", "+16.4"),
        ("USA", "+15.4"),
        ("FRA", "+46.0"),
        ("SWE", "+46.1"),
        ("CHN", "-16.7"),
    ):
        assert re.search(rf"^{region} .* {re.escape(share)} %$", out, re.MULTILINE), region
    assert "23.9 % of industrial emissions cross a border" in shell("flows", path)


# --- what goes wrong ------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["accounts", "flows", "info", "check"])
def test_a_missing_table(shell: Shell, command: str, tmp_path: Path) -> None:
    assert "nowhere" in shell(command, tmp_path / "nowhere", status=2)


def test_a_truncated_zip(shell: Shell, text: str, tmp_path: Path) -> None:
    path = tmp_path / "cut.zip"
    content = Path(text).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "cut.zip" in shell("accounts", path, status=2)
    assert "cut.zip" in shell("convert", path, tmp_path / "saved", status=2)
    assert os.listdir(tmp_path) == ["cut.zip"]


@pytest.mark.parametrize("kind", ["saved", "text"])
def test_stressors_that_do_not_exist_or_are_not_named(
    shell: Shell, several: dict[str, str], kind: str
) -> None:
    err = shell("accounts", several[kind], status=2)
    assert "stressor 2" in err  # it lists some
    err = shell("flows", several[kind], "--stressor", "stresor 2", status=2)
    assert "'stresor 2'" in err
    assert "stressor 2" in err.replace("'stresor 2'", "")


def test_a_region_that_does_not_exist(shell: Shell, saved: str) -> None:
    assert "'XX'" in shell("accounts", saved, "--demand", "XX", status=2)


@pytest.mark.parametrize("command", ["accounts", "flows", "check"])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("result.ods", "--out: expected a file name that ends in .csv, .parquet, .json or .xlsx"),
        ("result", "--out: expected a file name that ends in "),
        ("missing/result.csv", "create the folder "),
        ("folder.csv", "got the folder "),
        ("", "argument --out: expected a path, got ''"),
    ],
)
def test_out_is_refused_before_anything_is_read(
    shell: Shell, tmp_path: Path, command: str, name: str, message: str
) -> None:
    (tmp_path / "folder.csv").mkdir()
    assert message in shell(command, "nowhere", "--out", name and tmp_path / name, status=2)


def test_a_write_that_fails_leaves_nothing_and_keeps_the_old_file(
    shell: Shell, saved: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "accounts.csv"
    path.write_text("old")

    def fail(frame: Any, fresh: Path, extension: str) -> None:
        fresh.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_files, "_write", fail)
    assert "No space left" in shell("accounts", saved, "--out", path, status=2)
    assert os.listdir(tmp_path) == ["accounts.csv"]
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "required: COMMAND"),
        (("acounts",), "invalid choice: 'acounts'"),
        (("flows",), "required: TABLE"),
        (("flows", "x", "--top", "0"), "--top: invalid positive whole number value: '0'"),
        (("demo", "--regions", "many"), "--regions: invalid positive whole number value: 'many'"),
        (("demo", "--year", "1066", "--regions", "2", "--sectors", "2"), "year: expected"),
        (("info", "--unknown"), "--unknown; carbonflows-fast info --help lists the arguments"),
        (("flows", "x", "--threads", "no"), "--threads: invalid positive whole number value: 'no'"),
        (("info", ""), "argument TABLE: expected a path, got ''"),
        (("flows", "x", "--out", ""), "argument --out: expected a path, got ''"),
    ],
)
def test_wrong_arguments(shell: Shell, arguments: tuple[str, ...], message: str) -> None:
    err = shell(*arguments, status=2)
    assert err.startswith("carbonflows-fast")
    assert message in err


def test_format_is_for_text_tables(shell: Shell, saved: str, text: str) -> None:
    shell("info", text, "--format", "exiobase3")
    assert "--format: expected" in shell("info", saved, "--format", "exiobase3", status=2)
    assert "'exiobase2'" in shell("info", text, "--format", "exiobase2", status=2)


def test_an_unwritable_destination(shell: Shell, text: str, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("something else")
    assert "taken" in shell("convert", text, tmp_path / "taken", status=2)
    assert (tmp_path / "taken").read_text() == "something else"


def test_ctrl_c(shell: Shell, saved: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cf, "accounts", interrupted)
    assert shell("accounts", saved, status=130) == "interrupted\n"


def test_out_of_memory(shell: Shell, saved: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(cf, "flows", full)
    assert "not enough memory" in shell("flows", saved, status=2)


def test_a_defect_is_not_hidden(saved: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(cf, "flows", broken)
    with pytest.raises(ZeroDivisionError):
        main(["flows", saved])


@pytest.mark.skipif(os.name == "nt", reason="pipes end otherwise there")
@pytest.mark.parametrize("helped", [False, True])
def test_a_reader_that_has_seen_enough(saved: str, helped: bool) -> None:
    code = "import sys; from carbonflows_fast.cli import main; sys.exit(main())"
    with subprocess.Popen(
        [sys.executable, "-c", code, *(["paths", "--help"] if helped else ["accounts", saved])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": ""},  # else argparse keeps to itself what it met
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()  # before anything is written
        err = process.stderr.read()
        assert process.wait(timeout=60) == 141
    assert err == b""
