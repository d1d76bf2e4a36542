"""``--errors FILE``: ± beside the numbers, in files too, and what is wrong with the file."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.running.shell import Shell

import carbonflows_fast as cf
from carbonflows_fast.cli import main

ERRORS = """
Z = { domestic = 0.05, trade = 0.2 }
Y = 0.1
F.CO2.BE = 0.2

[[shared]]
name = "fuel statistics of AT"
sd = 0.1
F.AT = 1.0
F_Y.AT = 1.0
"""


SHARED = """
[[shared]]
name = "fuel"
sd = 0.1
F.CO2.Wheet = 1.0
"""


@pytest.fixture(scope="module")
def table() -> cf.Table:
    return cf.synthetic.world(4, 6, density=0.7)


@pytest.fixture(scope="module")
def saved(table: cf.Table, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(cf.save(table, tmp_path_factory.mktemp("saved") / "world"))


@pytest.fixture
def errors(tmp_path: Path) -> Path:
    path = tmp_path / "errors.toml"
    path.write_text(ERRORS, encoding="utf-8")
    return path


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


def rows_of(path: Path) -> pd.DataFrame:
    return pd.DataFrame(json.loads(path.read_text(encoding="utf-8")))


def cells_of(out: str, first: str) -> list[str]:
    found = re.search(rf"^{first} .*$", out, re.MULTILINE)
    assert found, out
    return found[0].split()


def test_accounts_print_deviations_beside_numbers(
    shell: Shell, table: cf.Table, saved: str, errors: Path
) -> None:
    out = shell("accounts", saved, "--errors", errors)
    found = cf.uncertainty(table, errors=cf.Errors.read(errors))
    amounts = ["production", "consumption", "imports", "exports", "net_imports"]
    for region in table.regions:
        cells = cells_of(out, region)
        for at, name in enumerate(amounts):
            assert cells[1 + 2 * at] == f"{found.value.loc[region, name]:,.0f}"
            assert float(cells[2 + 2 * at].replace(",", "")) == pytest.approx(
                found.sd.loc[region, name], abs=0.6
            )
    whole = cells_of(out, "all 4")
    for at, name in enumerate(("production", "consumption")):
        assert float(whole[3 + 2 * at].replace(",", "")) == pytest.approx(
            np.sqrt(found.covariance(name).to_numpy().sum()), abs=0.6
        )
    assert f"± is one standard deviation, for the errors in {errors}" in out
    plain = shell("accounts", saved)
    assert "±" not in plain
    assert all(line in out for line in plain.splitlines() if line.startswith("certified"))


def test_flows_print_deviations_beside_numbers(
    shell: Shell, table: cf.Table, saved: str, errors: Path
) -> None:
    out = shell("flows", saved, "--errors", errors, "--top", "2")
    found = cf.uncertainty(table, errors=cf.Errors.read(errors), of="flows")
    largest = cf.flows(table).top(2)
    for row in largest.itertuples(index=False):
        cells = cells_of(out, f"{row[0]} +{row[1]}")
        assert cells[2] == f"{row.value:,.0f}"
        assert float(cells[3].replace(",", "")) == pytest.approx(
            found.sd.loc[row[0], row[1]], abs=0.6
        )
    assert "±" not in shell("flows", saved)


def test_headline_figures_have_deviations(
    shell: Shell, table: cf.Table, saved: str, errors: Path
) -> None:
    out = shell("flows", saved, "--errors", errors)
    given = cf.Errors.read(errors)
    sure = cf.uncertainty(table, errors=given)
    found = cf.flows(table)
    importers, exporters = found.net_importers(), found.net_exporters()
    transfers = sure.total("net_imports", list(importers.index))
    assert transfers.value == pytest.approx(found.net_transfers)
    assert f"\nnet transfers: {transfers}\n" in out
    assert f"\nindustrial emissions: {sure.industries()}\n" in out
    shares = cf.uncertainty(table, errors=given, of="traded_share").sd.traded_share
    words = ("of industrial emissions cross a border", "of all emissions")
    for value, sd, said in zip((found.traded_share, found.traded_share_all), shares, words):
        assert f"\n{100 * value:.1f} % ± {100 * sd:.1f} % {said}" in out
    chances = sure.probability().net_imports
    for what, frame in (("importers", importers), ("exporters", exporters)):
        listed = out.partition(f"\nnet {what}")[2]
        assert len(frame)
        for region in frame.index:
            cells = cells_of(listed, region)
            for at, name in enumerate(("production", "consumption", "net_imports")):
                assert cells[1 + 2 * at] == f"{sure.value.loc[region, name]:,.0f}"
                sd = float(cells[2 + 2 * at].replace(",", ""))
                assert sd == pytest.approx(sure.sd.loc[region, name], abs=0.6)
            p = chances[region] if what == "importers" else 1.0 - chances[region]
            shown = " ".join(cells[7:9]) if cells[7] in "<>" else cells[7]
            assert shown == ("> 0.99" if p > 0.99 else f"{p:.2f}")


def test_certain_tables_have_deviations_of_zero(shell: Shell, tmp_path: Path) -> None:
    alone = str(cf.save(cf.synthetic.world(1, 4), tmp_path / "alone"))
    path = tmp_path / "errors.toml"
    path.write_text("Z = 0.1", encoding="utf-8")
    out = shell("flows", alone, "--errors", path)
    assert re.search(r"^industrial emissions: [\d,]+ ± 0 kt$", out, re.MULTILINE), out
    assert re.search(r"^net transfers: 0 kt$", out, re.MULTILINE), out


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_files_have_deviations(
    shell: Shell, table: cf.Table, saved: str, errors: Path, tmp_path: Path, form: str
) -> None:
    readers = {"csv": pd.read_csv, "parquet": pd.read_parquet, "json": rows_of}
    read = readers[form]
    given = cf.Errors.read(errors)
    plain, path = tmp_path / f"plain.{form}", tmp_path / f"found.{form}"
    for command, of in (("accounts", "accounts"), ("flows", "flows")):
        shell(command, saved, "--out", plain)
        shell(command, saved, "--errors", errors, "--out", path)
        before, after = read(plain), read(path)
        sds = [name for name in after if name not in before]
        pd.testing.assert_frame_equal(after.drop(columns=sds), before)
        sd = cf.uncertainty(table, errors=given, of=of).sd  # type: ignore[arg-type]
        if of == "flows":
            assert sds == ["sd"]
            assert list(after).index("sd") == list(after).index("value") + 1
            np.testing.assert_allclose(after["sd"], sd.to_numpy().ravel(), rtol=1e-9)
            continue
        assert sds == [f"{name}_sd" for name in sd]
        for name in sd:
            assert list(after).index(f"{name}_sd") == list(after).index(name) + 1
            np.testing.assert_allclose(after[f"{name}_sd"], sd[name], rtol=1e-9)


def test_what_is_wrong_names_the_file(
    shell: Shell, saved: str, errors: Path, tmp_path: Path
) -> None:
    for text, said in (
        ("F.CO3 = 0.1", f"{errors}, F.CO3: expected a stressor, region or sector of the table"),
        ("F.CO2.Wheet = 0.1", f"{errors}, F.CO2.Wheet: expected a .*, got 'Wheet'; .*'Wheat'"),
        ('F.CO2."Paddy rise" = 0.1', f"{errors}, F.CO2.\"Paddy rise\": .*, got 'Paddy rise'"),
        (
            "F.AT.CO2 = 0.1",
            f"{errors}, F.AT.CO2: expected a pair .*, got 'AT' and 'CO2'; write F.CO2.AT$",
        ),
        (
            "F_Y.AT.BE = 0.1",
            f"{errors}, F_Y.AT.BE: expected a pair .*, got 'AT' and 'BE'; write F_Y.AT alone$",
        ),
        ('F."*".Wheat = 0.1', f'{errors}, F."*".Wheat: .*, got "*"; write F.Wheat$'),
        ("Z.AT = 0.1", f'{errors}, Z.AT: expected pairs .* write Z.AT."*" for what it sells'),
        ("Z.import = 0.1", f"{errors}, Z.import: .*, got 'import'; write e.g. Z ="),
        ("F = { CO2 = 0.1, AT = 0.2 }", f"{errors}, F: .*, got stressor F.CO2 and region F.AT;"),
        ("F = { AT = 0.1, Austria = 0.2 }", f"{errors}, F: .*, got F.AT and F.Austria for the"),
        (SHARED, f"{errors}, shared 'fuel', F.CO2.Wheet: expected a .*'Wheat'"),
        ("Z = -1", f"{errors}, Z: expected a relative number from 0"),
        ("Z.by_size = { a = 10, b = 5 }", f"{errors}, Z: .* BySize, got .*; add at_most = 1.0"),
        ("Z =", f"{errors}: expected TOML"),
    ):
        errors.write_text(text, encoding="utf-8")
        for command in ("accounts", "flows"):
            err = shell(command, saved, "--errors", errors, status=2)
            pattern = f"^carbonflows-fast: {said}".replace('"*"', '"[*]"')
            assert re.search(pattern, err), err
    err = shell("accounts", saved, "--errors", errors, "--demand", "AT", status=2)
    assert "--errors: expected the whole final demand, got --demand too" in err
    err = shell("accounts", saved, "--errors", tmp_path / "no.toml", status=2)
    assert "no.toml: expected a TOML file with errors, got No such file" in err


def test_the_file_is_not_written_over(shell: Shell, saved: str, tmp_path: Path) -> None:
    path = tmp_path / "errors.csv"
    path.write_text(ERRORS, encoding="utf-8")
    err = shell("accounts", saved, "--errors", path, "--out", path, status=2)
    assert "--out: expected another place" in err
    assert path.read_text(encoding="utf-8") == ERRORS


LOADED = """
import contextlib, io, sys
from carbonflows_fast.cli import main
with contextlib.redirect_stdout(io.StringIO()):
    assert main(sys.argv[1:]) == 0
print(sorted({"numba", "matplotlib", "dask", "distributed"} & sys.modules.keys()))
print("carbonflows_fast.uncertainties" in sys.modules, "tomllib" in sys.modules)
"""


def test_nothing_heavy_is_loaded(saved: str, errors: Path) -> None:
    for options, used in (([], False), (["--errors", str(errors)], True)):
        command = [sys.executable, "-c", LOADED, "accounts", saved, *options]
        assert subprocess.check_output(command, text=True) == f"[]\n{used} {used}\n"


def test_a_panel_names_the_file_and_the_key_before_any_year_is_asked(
    table: cf.Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for year in (2001, 2002):
        cf.save(table.with_changes(year=year), tmp_path / "store" / str(year))
    file = tmp_path / "wrong.toml"
    file.write_text('[[shared]]\nname = "one"\nsd = 0.1\nZ.XX."*" = 1\n', encoding="utf-8")
    assert main(["panel", "uncertainty", str(tmp_path / "store"), "--errors", str(file)]) == 2
    said = capsys.readouterr().err
    assert f"{file}, shared 'one', Z.XX.\"*\": expected a region of the table, got 'XX'" in said
    assert "failed" not in said
