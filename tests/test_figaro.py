"""FIGARO's matrices, by fixtures in their layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers import read

REGIONS = ["AT", "FIGW1", "GR"]
CATEGORIES = ["P3_S13", "P3_S14", "P5M"]
INPUTS = ["W2_D21X31", "W2_OP_RES", "W2_D1"]


def written(folder: Path, prefix: str = "", name: str = "ind-by-ind_24ed_2019") -> Path:
    """Write a table cell by cell; sector C31_32 has an underscore."""
    rng = np.random.default_rng(1)
    rows = [f"{region}_{prefix}{code}" for region in REGIONS for code in ("A01", "C31_32")]
    demand = [f"{region}_{category}" for region in REGIONS for category in CATEGORIES]
    numbers = rng.uniform(-0.5, 9, (len(rows) + len(INPUTS), len(rows) + len(demand))).round(3)
    lines = [["rowLabels", *rows, *demand]]
    lines += [[label, *map(str, line)] for label, line in zip([*rows, *INPUTS], numbers.tolist())]
    path = folder / f"matrix_eu-ic-io_{name}.csv"
    path.write_text("\n".join(",".join(line) for line in lines) + "\n")
    return path


@pytest.mark.parametrize(
    ("prefix", "name"),
    [
        ("", "ind-by-ind_24ed_2019"),
        ("CPA_", "prod-by-prod_25ed_2019_v2"),
        ("", "ind-by-ind_2019"),
    ],
)
def test_a_matrix_is_read(tmp_path: Path, prefix: str, name: str) -> None:
    path = written(tmp_path, prefix, name)
    lines = [line.split(",") for line in path.read_text().splitlines()]
    numbers = np.array([line[1:] for line in lines[1:]], dtype=float)
    for place in (path, tmp_path):
        table = read(place)
        assert table.year == 2019
        assert table.regions == tuple(REGIONS)
        assert table.sectors == (f"{prefix}A01", f"{prefix}C31_32")
        assert list(table.demand)[:3] == [("AT", category) for category in CATEGORIES]
        np.testing.assert_array_equal(table.Z.toarray(), numbers[:6, :6])
        np.testing.assert_array_equal(table.Y, numbers[:6, 6:])
        np.testing.assert_array_equal(table.F, numbers[6:, :6])
        np.testing.assert_array_equal(table.F_Y, numbers[6:, 6:])
        np.testing.assert_allclose(table.x, numbers[:6].sum(axis=1), rtol=1e-14)
        assert table.stressors == tuple(INPUTS)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("AT_P3_S13", "XX_P3_S13", "column XX_P3_S13: expected final demand of AT, FIGW1"),
        ("rowLabels,AT_A01", "rowLabels,AT_A02", "label 'AT_A01': expected sectors as rows"),
        ("W2_D1", "W2_OP_RES", "row 'W2_OP_RES': expected every row once"),
    ],
)
def test_damage_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = written(tmp_path)
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    with pytest.raises(FormatError, match=message):
        read(path)
