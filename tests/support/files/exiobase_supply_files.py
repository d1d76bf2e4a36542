"""EXIOBASE's supply and use tables (MRSUT), written in the layout of the originals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["ADDED", "CATEGORIES", "Made"]

REGIONS = ("AT", "CN", "WA")
INDUSTRIES = ("Cultivation of wheat", "Re-processing of ash into clinker")
PRODUCTS = ("Wheat", "Ash for treatment", "Biogas")
CATEGORIES = ("Final consumption expenditure by households", "Changes in inventories")
ADDED = (
    "Taxes less subsidies on products purchased: Total",
    "Operating surplus: Remaining net operating surplus",
    "Employment people: Total",
)


class Made:
    """Frames of a small table, balanced; `satellite` has emissions of industries and users."""

    def __init__(self) -> None:
        rng = np.random.default_rng(8)
        R, a, p = len(REGIONS), len(INDUSTRIES), len(PRODUCTS)
        industries = pd.MultiIndex.from_product([REGIONS, INDUSTRIES], names=["region", "sector"])
        products = pd.MultiIndex.from_product([REGIONS, PRODUCTS], names=["region", "sector"])
        demand = pd.MultiIndex.from_product([REGIONS, CATEGORIES], names=["region", "category"])
        V = np.kron(np.eye(R), rng.uniform(1, 9, (a, p)))
        U = rng.uniform(0, 0.6, (R * p, R * a))
        U[rng.random(U.shape) < 0.3] = 0.0
        Y = (V.sum(axis=0) - U.sum(axis=1))[:, None] * rng.dirichlet([1.0] * (R * 2), R * p)
        self.supply = pd.DataFrame(V.T, products, industries)
        self.use = pd.DataFrame(U, products, industries)
        self.demand = pd.DataFrame(Y, products, demand)
        self.added = pd.DataFrame(rng.uniform(0, 2, (len(ADDED), R * a)), ADDED, industries)
        stressors = pd.Index(["CO2 - combustion - air", "CH4 - agriculture - air"], name="stressor")
        self.F = pd.DataFrame(rng.uniform(0, 9, (2, R * a)), stressors, industries)
        self.F_Y = pd.DataFrame(rng.uniform(0, 2, (2, R * 2)), stressors, demand)

    def write(self, folder: Path, *, satellite: bool = True) -> Path:
        """Write the files into a folder; value_added has no third header line."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, frame in (
            ("supply", self.supply), ("use", self.use), ("final_demand", self.demand),
        ):  # fmt: skip
            self._put(frame, folder / f"{name}.csv")
        head = "".join(
            "\t".join(["", *self.added.columns.get_level_values(level)]) + "\n" for level in (0, 1)
        )
        rows = self.added.to_csv(sep="\t", header=False)
        (folder / "value_added.csv").write_text(head + rows, encoding="utf-8")
        if satellite:
            place = folder / "satellite"
            place.mkdir()
            self._put(self.F, place / "F.txt")
            self._put(self.F_Y, place / "F_Y.txt")
            units = "stressor\tunit\n" + "".join(f"{name}\tkg\n" for name in self.F.index)
            (place / "unit.txt").write_text(units)
        return folder

    def arguments(self) -> dict[str, Any]:
        """What `cf.from_supply_use` takes for the same table, value added first."""
        F = pd.concat([self.added, self.F])
        F_Y = pd.concat([self.F_Y.iloc[:0].reindex(self.added.index, fill_value=0.0), self.F_Y])
        return {"V": self.supply.T, "U": self.use, "Y": self.demand, "F": F, "F_Y": F_Y}

    @staticmethod
    def _put(frame: pd.DataFrame, path: Path) -> None:
        frame.to_csv(path, sep="\t")
