"""Damaged sheets of margins are refused, or give shares."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fuzzing
import numpy as np
import pandas as pd
import pytest
from support.files.store_files import overwrite
from support.files.useeio_files import Model
from support.worlds.gloria_world import Valued

import carbonflows_fast as cf

CASES = 40
WRITTEN = {"gloria": lambda place: Valued().write(place), "useeio": lambda place: _useeio(place)}
OPTIONS: dict[str, dict[str, Any]] = {"gloria": {"users": "all"}, "useeio": {"transport": 0.5}}


def _useeio(place: Path) -> None:
    place.mkdir()
    Model().workbook(place)


class Sample(fuzzing.Sample):
    """Files of margins, and what they are read as."""

    def read(self) -> Any:
        return cf.margins(self.folder, progress=False, **OPTIONS[self.name])

    def outcome(self, name: str, content: bytes, checked: bool) -> str:
        overwrite(self.folder / name, content)
        try:
            frame: pd.DataFrame = self.read()
        except cf.CarbonFlowsError:
            return "refused"
        finally:
            overwrite(self.folder / name, self.files[name])
        shares = frame[["basic", "trade", "transport", "taxes"]].to_numpy()
        assert np.isfinite(shares).all()
        assert (shares[:, :3] >= 0.0).all()
        assert np.allclose(shares.sum(axis=1), 1.0, rtol=0, atol=1e-9 * np.abs(shares).max())
        return "read"


@pytest.fixture
def quiet() -> Iterator[None]:
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.usefixtures("quiet")
def test_damage_is_refused_or_read(name: str, tmp_path: Path) -> None:
    WRITTEN[name](tmp_path / "files")
    sample = Sample(name, tmp_path / "files")
    counts = Counter(fuzzing.run(sample, seed) for seed in range(CASES))
    assert counts["refused"] > 0.2 * CASES
    assert sample.read().equals(sample.table)  # nothing of the damage is left
