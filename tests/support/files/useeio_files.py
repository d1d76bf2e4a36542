"""A model in USEEIO's JSON, written by code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from carbonflows_fast.table import Table

LOCATIONS = ["US-XX", "RoUS"]

CODES = ["111CA", "Other"]

UNITS = ["kg CO2 eq", "jobs", "$"]


class Model:
    """A model of two locations, its lists in another order than its matrices."""

    def __init__(self) -> None:
        rng = np.random.default_rng(7)
        rows = [(code, location) for location in LOCATIONS for code in CODES]
        self.ids = [f"{code}/{location}" for code, location in rows]
        self.A = rng.uniform(-0.01, 0.2, (4, 4))
        self.q = rng.uniform(1e9, 9e9, 4)
        self.D, self.B = rng.uniform(0, 1, (3, 4)), rng.uniform(0, 1, (2, 4))
        self.y = {
            (location, kind, system): rng.uniform(-1e8, 1e9, 4)
            for location in LOCATIONS
            for kind in ("Production", "Consumption")
            for system in ("Complete", "Domestic")
        }
        self.files: dict[str, Any] = {
            "A": self.A.tolist(),
            "q": self.q[:, None].tolist(),
            "D": self.D.tolist(),
            "B": self.B.tolist(),
            "sectors": [
                {"id": f"{code}/{location}", "index": at, "name": f"Makers of {code}",
                 "code": code, "location": location}
                for at, (code, location) in enumerate(rows)
            ][::-1],
            "indicators": [
                {"index": at, "code": code, "unit": UNITS[at]}
                for at, code in enumerate(["GHG", "JOBS", "VADD"])
            ][::-1],
            "flows": [
                {"index": at, "id": f"{flow}/emission/air/kg", "unit": "kg"}
                for at, flow in enumerate(["Carbon dioxide", "Methane"])
            ],
            "demands": [
                {"id": "_".join(key), "year": 2020, "location": key[0], "type": key[1],
                 "system": key[2]}
                for key in self.y
            ],
        }  # fmt: skip
        for key, amounts in self.y.items():
            entries = [
                {"sector": sector, "amount": amount}
                for sector, amount in zip(self.ids, amounts.tolist(), strict=True)
            ]
            self.files[f"demands/{'_'.join(key)}"] = entries[::-1]

    def write(self, folder: Path) -> Path:
        (folder / "demands").mkdir(parents=True)
        for name, content in self.files.items():
            (folder / f"{name}.json").write_text(json.dumps(content))
        return folder

    def check(self, table: Table) -> None:
        names = [f"Makers of {code}" for code in CODES]
        assert list(table.rows) == [(one, name) for one in LOCATIONS for name in names]
        np.testing.assert_array_equal(table.A.toarray(), self.A)
        np.testing.assert_array_equal(table.x, self.q)
        np.testing.assert_array_equal(table.S, np.concatenate([self.D, self.B]))
        assert table.extensions == ("indicators",) * 3 + ("flows",) * 2
        assert table.stressor_units.to_dict() == {
            "GHG": "kg CO2 eq", "JOBS": "jobs", "VADD": "$",
            "Carbon dioxide/emission/air/kg": "kg", "Methane/emission/air/kg": "kg",
        }  # fmt: skip
        assert set(table.row_units) == {"USD"}
        for location in LOCATIONS:
            consumption = self.y[location, "Consumption", "Complete"]
            production = self.y[location, "Production", "Complete"]
            Y = table.Y[location]
            assert list(Y.columns) == ["Consumption", "Production - Consumption"]
            np.testing.assert_array_equal(Y["Consumption"], consumption)
            np.testing.assert_array_equal(Y["Production - Consumption"], production - consumption)
        assert (table.year, table.name) == (2020, "XXEEIOv1.0-s-20")
