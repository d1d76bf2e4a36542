"""A model of USEEIO as JSON and as a workbook, written by code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from support.files.spreadsheets import Sheets, write_workbook

from carbonflows_fast.table import Table

LOCATIONS = ["US-XX", "RoUS"]

CODES = ["111CA", "Other"]

PHI = [0.6, 1.0, 0.75, 0.9]

UNITS = ["kg CO2 eq", "jobs", "$"]


class Model:
    """A model of two locations, its lists in another order than its matrices.

    Its numbers have so few digits that openpyxl keeps them all: it writes 16.
    """

    def __init__(self) -> None:
        rng = np.random.default_rng(7)
        rows = [(code, location) for location in LOCATIONS for code in CODES]
        self.ids = [f"{code}/{location}" for code, location in rows]
        self.A = rng.uniform(-0.01, 0.2, (4, 4)).round(12)
        self.q = rng.uniform(1e9, 9e9, 4).round(3)
        self.D, self.B = (rng.uniform(0, 1, (k, 4)).round(12) for k in (3, 2))
        self.y = {
            (location, kind, system): rng.uniform(-1e8, 1e9, 4).round(3)
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

    def sheets(self) -> Sheets:
        return as_sheets(self.files) | {
            "Phi": [["", "2019", "2020"], *([one, 1.0, phi] for one, phi in zip(self.ids, PHI))]
        }

    def workbook(self, folder: Path) -> Path:
        return write_workbook(folder / "XXEEIOv1.0-s-20.xlsx", self.sheets())

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


def as_sheets(files: dict[str, Any]) -> Sheets:
    """The sheets that useeior's writeModeltoXLSX makes of what JSON files hold.

    Labels stand in the corner's row and column, and its lists have their headers. Rows of D are
    called by the names of indicators.
    """
    sectors, indicators, flows = (
        sorted(files.get(name, []), key=lambda one: one["index"])
        for name in ("sectors", "indicators", "flows")
    )
    ids = [one["id"] for one in sectors]
    rows = {
        "A": ids,
        "B": [one["id"] for one in flows],
        "D": [_name(one) for one in indicators],
    }
    sheets: Sheets = {
        name: [
            ["", *ids],
            *([label, *cells] for label, cells in zip(labels, files[name], strict=True)),
        ]
        for name, labels in rows.items()
        if name in files
    }
    sheets["q"] = [["", "q"], *([one, q] for one, (q,) in zip(ids, files["q"], strict=True))]
    for demand in files["demands"]:
        amounts = {one["sector"]: one["amount"] for one in files[f"demands/{demand['id']}"]}
        sheets[demand["id"]] = [["", demand["id"]], *([one, amounts[one]] for one in ids)]
    sheets["demands"] = [
        ["Index", "ID", "Year", "Type", "System", "Location"],
        *(
            [at, one["id"], one["year"], one["type"], one["system"], one["location"]]
            for at, one in enumerate(files["demands"])
        ),
    ]
    sheets["flows"] = [
        ["Index", "ID", "Unit", "UUID"],
        *([at, one["id"], one["unit"], None] for at, one in enumerate(flows)),
    ]
    sheets["indicators"] = [
        ["Index", "ID", "Name", "Code", "Unit"],
        *(
            [at, f"Group/{one['code']}/{one['unit']}", _name(one), one["code"], one["unit"]]
            for at, one in enumerate(indicators)
        ),
    ]
    sheets["commodities_meta"] = [
        ["Index", "ID", "Name", "Code", "Location", "Category"],
        *(
            [at, one["id"], one["name"], one["code"], one["location"], None]
            for at, one in enumerate(sectors)
        ),
    ]
    return sheets


def _name(indicator: dict[str, Any]) -> str:
    return str(indicator.get("name", f"Impact {indicator['code']}"))
