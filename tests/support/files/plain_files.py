"""A small table of one's own, and pandas' ways to write it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Frames = dict[str, Any]


def write_csv(frames: Frames, folder: Path, **options: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", **options)
    return folder


def write_parquet(frames: Frames, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        wide = frame.to_frame() if isinstance(frame, pd.Series) else frame
        wide.to_parquet(folder / f"{name}.parquet")
    return folder


def write_workbook(frames: Frames, path: Path, **options: Any) -> Path:
    """Write sheets, whose numbers openpyxl gives 16 digits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pd.ExcelWriter(path, engine="openpyxl") as book:
        for name, frame in frames.items():
            frame.to_excel(book, sheet_name=name, **options)
    return path


def own() -> Frames:
    """A table with labels that need care, a level of compartments and unknown heads."""
    rows = pd.MultiIndex.from_product(
        [["NA", "Côte d'Ivoire"], ["Steel; iron, n.e.c.", 'the "rest"']],
        names=["region", "sector"],
    )
    demand = pd.MultiIndex.from_product(
        [["NA", "Côte d'Ivoire"], ["households", "inventories"]], names=["region", "category"]
    )
    names = pd.MultiIndex.from_tuples(
        [("CO2", "air"), ("CH4", "air")], names=["stressor", "compartment"]
    )
    rng = np.random.default_rng(3)
    return {
        "Z": pd.DataFrame(rng.uniform(0, 2, (4, 4)), rows, rows),
        "Y": pd.DataFrame(rng.uniform(1, 9, (4, 4)), rows, demand),
        "F": pd.DataFrame(rng.uniform(0, 2, (2, 4)), names, rows),
        "F_Y": pd.DataFrame(rng.uniform(0, 2, (2, 4)), names, demand),
        "stressor_units": pd.Series(["kt", ""], names, name="unit"),
        "row_units": pd.Series("M.EUR", rows, name="unit"),
        "population": pd.Series(
            [2.5e6, np.nan], pd.Index(["NA", "Côte d'Ivoire"], name="region"), name="heads"
        ),
    }
