"""Damaged tables are refused or read: a sample of what `fuzzing.py` does at length."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import fuzzing
import pytest
from support.files.layouts import LAYOUTS

from carbonflows_fast.table import Table

KEPT: dict[str, list[int]] = json.loads(fuzzing.KEPT.read_text())
CASES = 60


@pytest.fixture
def quiet() -> Iterator[None]:
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.usefixtures("quiet")
def test_damage_is_refused_or_read(layout: str, tmp_path: Path) -> None:
    LAYOUTS[layout](tmp_path)
    sample = fuzzing.Sample(layout, tmp_path)
    seeds = [*range(CASES), *KEPT.get(layout, [])]
    counts = Counter(fuzzing.run(sample, seed) for seed in seeds)
    assert counts["refused"] > 0.3 * CASES
    assert sample.read().equals(sample.table)  # nothing of the damage is left


def test_every_kept_case_has_a_layout() -> None:
    assert KEPT.keys() <= LAYOUTS.keys()


def test_the_watch_sees_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    LAYOUTS["store"](tmp_path)
    sample = fuzzing.Sample("store", tmp_path)
    other = sample.table.with_changes(Y=2 * sample.table.Y)
    monkeypatch.setattr(sample, "read", lambda: other)
    with pytest.raises(AssertionError, match="changed numbers were accepted"):
        fuzzing.run(sample, 0)

    def lost() -> Table:
        raise KeyError("a table")

    monkeypatch.setattr(sample, "read", lost)
    with pytest.raises(KeyError):
        fuzzing.run(sample, 0)
