"""Tables with by-products in the report and on the command line: all but lists of chains."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.running.report_page import draw_nothing
from support.running.shell import Shell

import carbonflows_fast as cf
from carbonflows_fast.cli import main

WHY = "negative inputs (by-products) cancel chains of any length"


def table(year: int, intensity: float) -> cf.Table:
    return cf.Table(
        A=[[0.1, 0.1, 0.1], [0.1, 0.0, -3.0], [0.1, 0.5, 0.0]],
        Y=[[5.0, 1.0], [60.0, 2.0], [3.0, 3.0]], S=[[intensity, 1.0, 1.0]],
        regions=["a", "b", "b"], sectors=["g", "h", "i"], demand=[("a", "f"), ("b", "f")],
        stressors=["CO2"], stressor_units="kt", year=year,
    )  # fmt: skip


@pytest.fixture
def saved(tmp_path: Path) -> list[str]:
    return [str(cf.save(table(*one), tmp_path / str(one[0]))) for one in ((2000, 1.0), (2001, 2.0))]


def test_the_report_has_all_but_chains(
    saved: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_nothing(monkeypatch)
    out = tmp_path / "page.html"
    assert main(["report", saved[1], "--since", saved[0], "--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    assert text.count(WHY) == 2  # the chains, and those that changed
    assert 'data-table="accounts"' in text
    assert 'data-table="chains"' not in text
    assert 'data-table="chain_changes"' not in text
    total = cf.structural_decomposition(table(2000, 1.0), table(2001, 2.0)).total
    assert f'data-figure="change_total" data-value="{total!r}"' in text


def test_decompose_shows_effects_and_says_why_no_chains(
    saved: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = Shell(capsys)("decompose", *saved, "--out", tmp_path / "effects.csv")
    assert "intensity" in out
    assert out.count(WHY) == 1
    assert (tmp_path / "effects.csv").exists()
    # A file that is asked for is there, or the command fails.
    assert main(["decompose", *saved, "--chains", str(tmp_path / "chains.csv")]) == 2
    assert "(by-products) that cancel chains" in capsys.readouterr().err
