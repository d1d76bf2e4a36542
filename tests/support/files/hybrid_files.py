"""Hybrid EXIOBASE in the layout that published programs read: two csv files and a workbook."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from support.files.spreadsheets import write_workbook

__all__ = ["STEM", "Made"]

STEM = "MR_HIOT_2011_v3_3_18"
REGIONS = ("AU", "CN", "WM")
# Product, its codes and unit, and the activity whose principal product it is.
SECTORS = (
    ("Paddy rice", "p01.a", "C_PARI", "tonnes", "Cultivation of paddy rice", "i01.a", "A_PARI"),
    ("Electricity, gas", "p40", "C_POWE", "TJ", 'Power "grid"', "i40", "A_POWE"),
    ("Services", "p93", "C_OSER", "Meuro", "Other services (93)", "i93", "A_OSER"),
)
USERS = (("Households", "y01", "F_HOUS"), ("Changes in inventories", "y05.a", "I_CHIN"))
EMISSIONS = (
    ("Carbon dioxide, fossil", "tonnes", "air"),
    ("P", "tonnes", "water"),
    ("P", "tonnes", "soil"),
)
LAND = (("Land use, arable land", "ha"),)
WASTE = (("Food", "tonnes"), ("Steel", "tonnes"))


class Made:
    """Numbers of a small table, and its files. `unused` is a sector that nobody buys."""

    def __init__(self, *, unused: bool = False) -> None:
        rng = np.random.default_rng(3)
        n, m = len(REGIONS) * len(SECTORS), len(REGIONS) * len(USERS)
        self.Z = rng.uniform(0, 2, (n, n)).round(3)
        self.Z[rng.random((n, n)) < 0.3] = 0.0
        self.Z[0, 1] = -0.25  # a by-product
        self.Y = rng.uniform(3, 9, (n, m)).round(3)
        if unused:
            self.Z[4], self.Y[4] = 0.0, 0.0
        self.accounts = {
            "Emiss": (EMISSIONS, *self._emitted(rng, 3, n, m)),
            "Land": (LAND, *self._emitted(rng, 1, n, m)),
            "waste_sup": (WASTE, *self._emitted(rng, 2, n, m)),
            "waste_use": (WASTE, *self._emitted(rng, 2, n, m)),
            "waste_from_stocks": (WASTE, *self._emitted(rng, 2, n, m)),
            "VA": ((("V_WAGE", "Meuro"),), *self._emitted(rng, 1, n, m)),
        }
        self.rows = [(r, *one[:4]) for r in REGIONS for one in SECTORS]
        self.activities = [(r, *one[4:]) for r in REGIONS for one in SECTORS]
        self.users = [(r, *one) for r in REGIONS for one in USERS]

    @staticmethod
    def _emitted(rng: np.random.Generator, k: int, n: int, m: int) -> tuple[Any, Any]:
        return rng.uniform(0, 9, (k, n)).round(3), rng.uniform(0, 2, (k, m)).round(3)

    def write(self, folder: Path, *, named: bool = False, production: bool = True) -> Path:
        """Write the files; `named` has titles above the columns of labels."""
        folder.mkdir(parents=True, exist_ok=True)
        files = {
            "by_product_technology": self._matrix(self.activities, self.Z, named),
            "FD": self._matrix(self.users, self.Y, named),
        }
        if production:
            files["principal_production"] = [
                *(list(level) for level in zip(*self.activities, strict=True)),
                *(list(level) for level in list(zip(*self.rows, strict=True))[1:]),
                [f"{x:.3f}" for x in self.Z.sum(axis=1) + self.Y.sum(axis=1)],
            ]
        for name, lines in files.items():
            with (folder / f"{STEM}_{name}.csv").open("w", newline="", encoding="utf-8") as stream:
                csv.writer(stream, lineterminator="\n").writerows(lines)
        write_workbook(folder / f"{STEM}_extensions.xlsx", self.sheets())
        return folder

    def _matrix(self, columns: Any, values: Any, named: bool) -> list[list[Any]]:
        left = [""] * 4 + ["Unit"] if named else [""] * 5
        head = [[*[""] * 5, *level] for level in zip(*columns, strict=True)]
        head[-1][:5] = left
        return head + [
            [*label, *row] for label, row in zip(self.rows, values.tolist(), strict=True)
        ]

    def sheets(self) -> dict[str, list[list[Any]]]:
        sheets: dict[str, list[list[Any]]] = {"intro": [["Extensions"], ["Year:", 2011]]}
        for name, (rows, F, F_Y) in self.accounts.items():
            alone = name == "waste_from_stocks"
            sheets[name if alone else f"{name}_act"] = self._sheet(rows, self.activities, F)
            if not alone and name != "VA":
                ending = "fd" if name == "waste_use" else "FD"
                sheets[f"{name}_{ending}"] = self._sheet(rows, self.users, F_Y)
        return sheets

    @staticmethod
    def _sheet(rows: Any, columns: Any, values: Any) -> list[list[Any]]:
        width = len(rows[0])
        head: list[list[Any]] = [[*[None] * width, *level] for level in zip(*columns, strict=True)]
        head[-1][:width] = ["Name", "Unit ", "Compartment"][:width]
        return head + [[*label, *row] for label, row in zip(rows, values.tolist(), strict=True)]
