"""A small world in the layout of GLORIA, written by position."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl

from carbonflows_fast.table import Table

REGIONS = [("XAM", "Rest of Americas"), ("CIV", "Cote d'Ivoire (Ivory Coast)"), ("DYE", "Yemen")]
SECTORS = ["Growing wheat", "Fishing"]
INPUTS = ["Compensation of employees D.1", "Taxes on production D.29", "Subsidies D.39"]
CATEGORIES = ["Household final consumption P.3h", "Changes in inventories P.52"]
SEQUENCE = "Sequential region-sector labels"
CO2 = "'co2_total'"
SATELLITES = [
    (1, "Material", "Wheat", "t"),
    (2, "Emissions (EDGAR)", CO2, "kilotonnes"),
    (3, "Emissions (EDGAR)", "'c6f14'", "kilotonnes"),
    (4, "Emissions (EDGAR)", "'c6f14'", "kilotonnes"),
    (5, "Emissions (OECD)", CO2, "kilotonnes"),
]
VALUATIONS = (
    "Basic prices", "Trade margins", "Transport margins", "Taxes on products",
    "Subsidies on products",
)  # fmt: skip
NAMES = (
    *INPUTS, "Wheat", f"Emissions (EDGAR): {CO2}", "'c6f14' | 3", "'c6f14' | 4",
    f"Emissions (OECD): {CO2}",
)  # fmt: skip
DATES = {"T": 20240111, "Y": 20240110, "V": 20240419, "TQ": 20240417, "YQ": 20240417}
R, S, P, C, Q = len(REGIONS), len(SECTORS), len(INPUTS), len(CATEGORIES), len(SATELLITES)
N = R * S
INDUSTRIES = [2 * S * r + i for r in range(R) for i in range(S)]
PRODUCTS = [at + S for at in INDUSTRIES]


def file_name(part: str, year: int = 2022, release: str = "059", markup: int = 1) -> str:
    date = DATES[part] + year
    return (
        f"{date}_120secMother_AllCountries_002_{part}-Results_{year}_{release}"
        f"_Markup{markup:03d}(full).csv"
    )


class World:
    """A small supply-use world, and its files."""

    def __init__(self, seed: int = 1, density: float = 0.9, off: float = 0.0) -> None:
        rng = np.random.default_rng(seed)

        def numbers(*shape: int, low: float = 0.0) -> Any:
            return rng.uniform(low, 9, shape) * (rng.random(shape) < density)

        self.U, self.Y = numbers(N, N), numbers(N, R * C, low=-1.0)
        self.V = np.diag((self.U.sum(axis=1) + self.Y.sum(axis=1)).round(1))
        self.V[0, 1] += off
        own = np.kron(np.eye(R), np.ones((P, S)))
        self.inputs, self.F, self.F_Y = numbers(R * P, N) * own, numbers(Q, N), numbers(Q, R * C)
        T = np.zeros((2 * N, 2 * N))
        T[np.ix_(INDUSTRIES, PRODUCTS)], T[np.ix_(PRODUCTS, INDUSTRIES)] = self.V, self.U
        self.parts = {
            "T": T, "Y": np.zeros((2 * N, R * C)), "V": np.zeros((R * P, 2 * N)),
            "TQ": np.zeros((Q, 2 * N)), "YQ": self.F_Y,
        }  # fmt: skip
        self.parts["Y"][PRODUCTS] = self.Y
        self.parts["V"][:, INDUSTRIES], self.parts["TQ"][:, INDUSTRIES] = self.inputs, self.F

    def write(self, folder: Path, year: int = 2022, release: str = "059") -> Path:
        """Write the layout of the download, with the file of another valuation beside."""
        money = folder / f"GLORIA_MRIOs_{int(release)}_{year}"
        other = folder / f"GLORIA_SatelliteAccounts_{release}_{year}"
        for place in (money, other):
            place.mkdir(parents=True)
        for part, numbers in self.parts.items():
            lines = [",".join(f"{x:.17g}" for x in row) for row in numbers.tolist()]
            place = other if part.endswith("Q") else money
            (place / file_name(part, year, release)).write_text("\n".join(lines) + "\n")
        (money / file_name("T", year, release, markup=5)).write_text("other prices\n")
        write_read_me(folder / f"GLORIA_ReadMe_{release}.xlsx")
        return folder

    def check(self, table: Table) -> None:
        rows = [(region, sector) for region, _ in REGIONS for sector in SECTORS]
        assert list(table.x.index) == rows
        assert list(table.demand) == [(region, c) for region, _ in REGIONS for c in CATEGORIES]
        np.testing.assert_array_equal(table.Z.toarray(), self.U)
        np.testing.assert_array_equal(table.Y, self.Y)
        inputs = sum(self.inputs[r * P : (r + 1) * P] for r in range(R))
        np.testing.assert_array_equal(table.F, np.vstack([inputs, self.F]))
        np.testing.assert_array_equal(table.F_Y, np.vstack([np.zeros((P, R * C)), self.F_Y]))
        np.testing.assert_allclose(table.x, self.U.sum(1) + self.Y.sum(1), rtol=1e-14)
        assert table.stressors == NAMES
        assert list(table.extensions) == ["primary inputs"] * P + [s[1] for s in SATELLITES]
        assert list(table.stressor_units) == ["thousand USD"] * P + [s[3] for s in SATELLITES]
        assert (table.year, table.name) == (2022, "GLORIA 059 2022")


def write_read_me(path: Path, change: Callable[[Any], object] | None = None) -> None:
    """Write the workbook; the sheet of all rows too, as in the newer ones."""
    book = openpyxl.Workbook()
    book.active.title = "Info"
    columns = ["Lfd_Nr", "Value_added_names", "Final_demand_names"]
    longer = [*CATEGORIES, *[None] * (P - C)]
    sheets: dict[str, list[Any]] = {
        "Regions": [("Lfd_Nr", "Region_acronyms", "Region_names"), *enumerated(REGIONS)],
        "Sectors": [("Lfd_Nr", "Sector_names"), *enumerated([(name,) for name in SECTORS])],
        "Value added and final demand": [columns, *enumerated(list(zip(INPUTS, longer)))],
        "Valuations": [("Lfd_Nr", "Valuation_names"), *enumerated([(one,) for one in VALUATIONS])],
        "Satellites": [("Lfd_Nr", "Sat_head_indicator", "Sat_indicator", "Sat_unit"), *SATELLITES],
        SEQUENCE: [
            ("Lfd_Nr", "Sequential_regionSector_labels"),
            *enumerated([
                (f"{name} ({code}) {sector} {kind}",)
                for code, name in REGIONS for kind in ("industry", "product") for sector in SECTORS
            ]),
        ],
    }  # fmt: skip
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    if change is not None:
        change(book)
    book.save(path)


class Valued:
    """A world with the other sheets of valuation; fishing is the service that brings goods."""

    def __init__(self, seed: int = 3) -> None:
        rng = np.random.default_rng(seed)
        self.world = World()
        self.Y = [self.world.Y.clip(0.0), *self._margins(rng, (N, R * C))]
        self.U = [self.world.U, *self._margins(rng, (N, N))]

    def _margins(self, rng: Any, shape: tuple[int, int]) -> list[Any]:
        trade, transport, taxes, subsidies = (rng.uniform(0.0, 0.5, shape) for _ in range(4))
        for kind in (trade, transport):
            kind[1::2] = -0.1 * kind[1::2]  # each goods' margin is in the price of the service
        return [trade, transport, taxes, -0.3 * subsidies]

    def write(self, folder: Path, year: int = 2022, release: str = "059") -> Path:
        self.world.parts["Y"][PRODUCTS] = self.Y[0]
        self.world.write(folder, year, release)
        money = folder / f"GLORIA_MRIOs_{int(release)}_{year}" / "Margins and taxes"
        money.mkdir()
        (money.parent / file_name("T", year, release, markup=5)).unlink()
        for markup in range(2, 6):
            T, Y = np.zeros((2 * N, 2 * N)), np.zeros((2 * N, R * C))
            T[np.ix_(PRODUCTS, INDUSTRIES)] = self.U[markup - 1]
            Y[PRODUCTS] = self.Y[markup - 1]
            for part, numbers in (("T", T), ("Y", Y)):
                lines = [",".join(f"{x:.17g}" for x in row) for row in numbers.tolist()]
                name = file_name(part, year, release, markup)
                (money / name).write_text("\n".join(lines) + "\n")
        return folder


def enumerated(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(at, *row) for at, row in enumerate(rows, start=1)]


def path_of(place: Path, part: str) -> Path:
    return next(place.rglob(file_name(part)))


# --- with the gases of GLORIA, and as copies of the ReadMe spell them ---------------------------

CARBON_DIOXIDE = "co2_excl_short_cycle_org_c_total_EDGAR_consistent"
GASES = [CARBON_DIOXIDE, "ch4_total_EDGAR_consistent", *["c6f14_total_EDGAR_consistent"] * 2]
OWN_TOTAL = "GHG_total_EDGAR_consistent"


def with_gases() -> World:
    """Return a world whose last satellite is the sum of the others by the factors of AR5."""
    made = World()
    weights = np.array([1, 28, 7910, 7910])
    for values in (made.F, made.F_Y):
        values[-1] = weights @ values[:-1]
    made.parts["TQ"][:, INDUSTRIES], made.parts["YQ"] = made.F, made.F_Y
    return made


def spelt(name: str, quoted: bool) -> Callable[[Any], object]:
    """Return what gives the ReadMe GLORIA's gases, and `name` last, in one of two spellings."""

    def change(book: Any) -> None:
        mark = "'" if quoted else ""
        for at, satellite in enumerate([*GASES, name], start=2):
            row = book["Satellites"][at]
            row[1].value, row[2].value = "Emissions (EDGAR)", f"{mark}{satellite}{mark}"
            row[3].value = "kilotonnes" + " CO2-equivalent" * (satellite == OWN_TOTAL)
        if quoted:  # and without codes
            sheet = book["Value added and final demand"]
            for row in sheet.iter_rows(min_row=2, min_col=2):
                for cell in row:
                    cell.value = cell.value and cell.value.rsplit(" ", 1)[0]

    return change
