"""GLORIA: fixtures by position, and pymrio's numbers on the sample of its tests."""

from __future__ import annotations

import logging
import shutil
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
import scipy.sparse as sp

from carbonflows_fast.errors import FormatError, LabelError
from carbonflows_fast.readers import read
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


def enumerated(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(at, *row) for at, row in enumerate(rows, start=1)]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A download, not to be changed."""
    return World().write(tmp_path_factory.mktemp("gloria"))


@pytest.fixture
def place(written: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(written, tmp_path / "copy"))


def path_of(place: Path, part: str) -> Path:
    return next(place.rglob(file_name(part)))


def pack(archive: Path, folder: Path, inside: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(folder.rglob("*")):
            packed.write(file, file.relative_to(inside))


# --- numbers --------------------------------------------------------------------------------


def test_folders(written: Path) -> None:
    World().check(read(written))


def test_two_zips_and_the_read_me(place: Path) -> None:
    for folder in [p for p in place.iterdir() if p.is_dir()]:
        pack(place / f"{folder.name}.zip", folder, folder)
        shutil.rmtree(folder)
    World().check(read(place))


def test_one_zip_with_all(written: Path, tmp_path: Path) -> None:
    pack(tmp_path / "all.zip", written, written.parent)
    World().check(read(tmp_path / "all.zip", format="gloria"))


def test_a_folder_of_basic_prices_the_read_me_there_and_windows_lines(place: Path) -> None:
    money = place / "GLORIA_MRIOs_59_2022"
    (money / "Basic prices").mkdir()
    for file in money.glob("*Markup001*"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
        file.rename(money / "Basic prices" / file.name)
    (place / "GLORIA_ReadMe_059.xlsx").rename(money / "Basic prices" / "GLORIA_ReadMe_059a.xlsx")
    World().check(read(place))


def test_a_use_table_with_few_numbers_is_sparse(tmp_path: Path) -> None:
    assert "Z dense" in repr(read(World().write(tmp_path / "full")))
    empty = World(seed=2, density=0.05)
    table = read(empty.write(tmp_path / "empty"))
    assert "Z sparse" in repr(table)
    empty.check(table)


def test_years_and_releases(tmp_path: Path) -> None:
    for seed, (year, release) in enumerate([(2021, "059"), (2022, "059"), (2022, "060")]):
        World(seed).write(tmp_path / f"r{release}", year, release)
    World(1).check(read(tmp_path / "r059", year=2022))
    assert read(tmp_path / "r059", year=2021).year == 2021
    with pytest.raises(FormatError, match=r"expected one table, got 2 tables \(2021, 2022\)"):
        read(tmp_path / "r059")
    with pytest.raises(FormatError, match=r"expected one table of 2022, got 2 of that year"):
        read(tmp_path, year=2022)
    assert read(tmp_path, year=2021).name == "GLORIA 059 2021"


def test_stressors_alone(written: Path, place: Path) -> None:
    whole = read(written)
    for wanted, names in [
        (["'c6f14' | 4", "Wheat"], ("Wheat", "'c6f14' | 4")),
        ("Subsidies D.39", ("Subsidies D.39",)),
        (f"Emissions (OECD): {CO2}", (f"Emissions (OECD): {CO2}",)),
        (["Wheat", "Taxes on production D.29"], ("Taxes on production D.29", "Wheat")),
    ]:
        table = read(written, stressors=wanted)
        assert table.stressors == names
        np.testing.assert_array_equal(table.F, whole.F.loc[list(names)])
        np.testing.assert_array_equal(table.F_Y, whole.F_Y.loc[list(names)])
    lines = path_of(place, "TQ").read_text().splitlines()
    lines[0] = ",".join(["nonsense"] * 2 * N)  # Wheat
    path_of(place, "TQ").write_text("\n".join(lines))
    assert read(place, stressors="'c6f14' | 4").stressors == ("'c6f14' | 4",)
    with pytest.raises(FormatError, match=r"line 1, row 'Wheat', column 'XAM | industry | Grow"):
        read(place, stressors="Wheat")


def test_stressors_that_are_not_there(written: Path) -> None:
    with pytest.raises(LabelError, match=r"got \"'c6f14'\"; nearest are .*'c6f14' \| 3"):
        read(written, stressors="'c6f14'")
    with pytest.raises(LabelError, match=r"which 2 extensions have; say which: .*EDGAR.*OECD"):
        read(written, stressors=CO2)


def test_products_of_other_industries(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World(off=4.0)
    world.parts["T"][INDUSTRIES[4], PRODUCTS[4]] = world.V[4, 4] = 0.0  # nothing made, still used
    with caplog.at_level(logging.WARNING):
        table = read(world.write(tmp_path))
    share = f"{100 * 4 / world.V.sum():.3g}"
    assert f"4 thousand USD ({share} % of supply) are products of other ind" in caplog.text
    # Product by product: each industry's column goes to its products by their share of output.
    Z, F = np.zeros((N, N)), np.zeros((P + Q, N))
    inputs = sum(world.inputs[r * P : (r + 1) * P] for r in range(R))
    stress = np.vstack([inputs, world.F])
    for industry in range(N):
        made = world.V[industry].sum()
        for p in range(N):
            part = world.V[industry, p] / made if made else float(industry == p)
            Z[:, p] += world.U[:, industry] * part
            F[:, p] += stress[:, industry] * part
    np.testing.assert_allclose(table.Z.toarray(), Z, rtol=1e-14)
    np.testing.assert_allclose(table.F, F, rtol=1e-14)
    np.testing.assert_allclose(table.x, Z.sum(1) + world.Y.sum(1), rtol=1e-14)
    np.testing.assert_allclose(table.F.sum(axis=1), stress.sum(axis=1), rtol=1e-14)
    assert world.V[4].sum() == 0
    assert F[:, 4].any()


def test_the_gap_between_supply_and_use_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    at = INDUSTRIES[3], PRODUCTS[3]
    world.parts["T"][at] += 7.0
    supplied, x = world.parts["T"][at], world.U[3].sum() + world.Y[3].sum()
    with caplog.at_level(logging.WARNING):
        read(world.write(tmp_path))
    assert f"most in 'CIV | product | Fishing' ({x:.6g} and {supplied:.6g})" in caplog.text


def test_a_balanced_table_logs_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    balanced = np.diag(world.U.sum(axis=1) + world.Y.sum(axis=1))
    world.parts["T"][np.ix_(INDUSTRIES, PRODUCTS)] = balanced
    with caplog.at_level(logging.WARNING):
        read(world.write(tmp_path))
    assert not caplog.records


def test_primary_inputs_of_another_region_are_counted_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    world.parts["V"][0, INDUSTRIES[5]] = world.inputs[0, 5] = 2.5
    with caplog.at_level(logging.WARNING):
        world.check(read(world.write(tmp_path)))
    assert "primary inputs of 2.5 thousand USD stand in columns of other regions" in caplog.text


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "row", "column", "place_name"),
    [
        ("T", INDUSTRIES[0], INDUSTRIES[3], "'XAM | industry | Growing wheat', column 'CIV | ind"),
        ("T", PRODUCTS[1], PRODUCTS[4], r"'XAM | product | Fishing', column 'DYE | product | Gro"),
        ("Y", INDUSTRIES[2], 1, r"'CIV | industry | Growing wheat', column 'XAM | Changes in inv"),
        ("V", 4, PRODUCTS[2], r"'CIV | Taxes on production D.29', column 'CIV | product | Growi"),
        ("TQ", 2, PRODUCTS[5], r"''c6f14' | 3\", column 'DYE | product | Fishing'"),
    ],
)
def test_numbers_where_gloria_has_none(
    tmp_path: Path, part: str, row: int, column: int, place_name: str
) -> None:
    world = World()
    world.parts[part][row, column] = -1.5
    place_name = place_name.replace("|", r"\|").replace("''c6f14'", "\"'c6f14'")
    message = f"{part}-Results.*, row {place_name}.*: expected zero.*got -1.5, one of 1 numbers"
    with pytest.raises(FormatError, match=message):
        read(world.write(tmp_path))


def test_an_industry_with_several_products_and_no_output(tmp_path: Path) -> None:
    world = World()
    world.parts["T"][INDUSTRIES[0], PRODUCTS[1]] = -1.0 - world.V[0, 0]
    with pytest.raises(FormatError, match=r"row 'XAM \| industry .* positive output .* got -1;"):
        read(world.write(tmp_path))


@pytest.mark.parametrize("part", ["T", "Y", "V", "TQ", "YQ"])
def test_shapes_are_those_of_the_read_me(place: Path, part: str) -> None:
    path = path_of(place, part)
    lines = path.read_text().splitlines()
    rows, columns = len(lines), lines[0].count(",") + 1
    shape = f"{rows} rows of {columns} numbers, by .*GLORIA_ReadMe_059.xlsx"
    for damaged, message in [
        ([*lines, lines[0]], rf"line {rows + 1}: expected {shape}, got another row"),
        (lines[:-1], rf"after the last line: expected {rows} rows, by .*, got {rows - 1};"),
        ([lines[0] + ",1", *lines[1:]], rf"line 1: expected {shape}, got {columns + 1} cells"),
        ([*lines[:1], lines[1].rpartition(",")[0], *lines[2:]],
         rf"line 2: expected {shape}, got {columns - 1} cells"),
        (["1"], rf"expected {rows} rows × {columns} columns, by .*, got a file of 2 bytes"),
    ]:  # fmt: skip
        path.write_text("\n".join(damaged) + "\n")
        with pytest.raises(FormatError, match=f"{part}-Results.*{message}"):
            read(place)


@pytest.mark.parametrize("cell", ["nan", "inf", "1;5", "abc", "1_0"])
@pytest.mark.parametrize("part", ["T", "Y", "V", "TQ", "YQ"])
def test_what_is_no_number(place: Path, part: str, cell: str) -> None:
    path = path_of(place, part)
    lines = path.read_text().splitlines()
    for at in (0, -1):  # columns of industries and of products
        cells = lines[-1].split(",")
        cells[at] = cell
        path.write_text("\n".join([*lines[:-1], ",".join(cells)]))
        with pytest.raises(FormatError, match=rf"line {len(lines)}, row .*column .*got '{cell}'"):
            read(place)


def test_empty_cells_are_counted(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = path_of(place, "YQ")
    path.write_text(path.read_text().replace("0,", ",", 1).replace(",0\n", ",\n", 1))
    with caplog.at_level(logging.WARNING):
        read(place)
    assert "empty cell" in caplog.text


def test_missing_files(place: Path) -> None:
    shutil.copy(path_of(place, "V"), place / file_name("V").replace("2024", "2023"))
    with pytest.raises(FormatError, match=r"expected one file …_V-Results.*, got 2023.*, GLORIA_M"):
        read(place)
    path_of(place, "TQ").unlink()
    (place / file_name("V").replace("2024", "2023")).unlink()
    with pytest.raises(FormatError, match=r"expected one file …_TQ-Results_2022_059_M.*, got none"):
        read(place)
    with pytest.raises(FormatError, match=r"expected one file …_Y-Results.*; give the folder that"):
        read(path_of(place, "T"))


def test_missing_and_other_read_mes(place: Path, tmp_path: Path) -> None:
    mine = place / "GLORIA_ReadMe_059.xlsx"
    shutil.copy(mine, place / "GLORIA_ReadMe_059a.xlsx")
    with pytest.raises(FormatError, match=r"expected one GLORIA_ReadMe_059.xlsx.*got .*059a.xlsx;"):
        read(place)
    (place / "GLORIA_ReadMe_059a.xlsx").rename(place / "GLORIA_ReadMe_057.xlsx")
    World().check(read(place))
    mine.unlink()
    with pytest.raises(FormatError, match=r"got GLORIA_ReadMe_057.xlsx; give the folder"):
        read(place)
    (place / "GLORIA_ReadMe_057.xlsx").rename(place / "GLORIA_ReadMe.xlsx")
    World().check(read(place))
    (place / "GLORIA_ReadMe.xlsx").unlink()
    with pytest.raises(FormatError, match=r"expected one GLORIA_ReadMe_059.xlsx, .*got none; give"):
        read(place)


def _set(sheet: str, cell: str, value: Any) -> Callable[[Any], None]:
    def change(book: Any) -> None:
        book[sheet][cell] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("Regions", "B3", "XAM"), r"column 'Region_acronyms': expected .* got 2 times 'XAM'"),
        (_set("Sectors", "B3", "Growing wheat"), r"'Sector_names': expected .* got 2 times 'Grow"),
        (_set("Regions", "B3", None), r"sheet 'Regions', B3: expected a text .* got an empty cell"),
        (_set("Regions", "B1", "ISO"), r"'Regions': expected a column 'Region_acronyms', got 'Lfd"),
        (_set("Satellites", "D6", None), r"'Sat_unit': expected 5 cells, got 4"),
        (_set("Satellites", "A6", None), r"'Lfd_Nr': expected 5 cells, got 4"),
        (_set(SEQUENCE, "B13", None), r"expected 12 labels in column 'Seq.*, two .*, got 11;"),
        (_set(SEQUENCE, "B6", "Rest of Americas (XAM) Fishing product"),
         r"B6: expected a label of region \(CIV\) and of an industry, got 'Rest"),
        (_set(SEQUENCE, "B4", "Rest of Americas (XAM) Fishing industry"),
         r"B4: expected a label of region \(XAM\) and of a product, got 'Rest"),
        (lambda book: book.remove(book["Sectors"]), r"expected a sheet 'Sectors', got 'Info', 'Re"),
        (lambda book: book["Sectors"].delete_rows(2, 2), r"'Sector_names': expected .* got none"),
        (lambda book: book["Sectors"].delete_rows(1, 3), r"expected a column 'Sector_n.*an empty"),
    ],
)  # fmt: skip
def test_a_wrong_read_me(place: Path, change: Callable[[Any], object], message: str) -> None:
    write_read_me(place / "GLORIA_ReadMe_059.xlsx", change)
    with pytest.raises(FormatError, match=f"GLORIA_ReadMe_059.xlsx.*{message}"):
        read(place)


def test_a_read_me_of_another_size_is_refused_before_anything_is_read(place: Path) -> None:
    def change(book: Any) -> None:
        del book[SEQUENCE]
        for at in range(400):
            book["Sectors"].append([at, f"sector {at}"])

    write_read_me(place / "GLORIA_ReadMe_059.xlsx", change)
    with pytest.raises(FormatError, match=r"expected 2412 rows × 2412 columns, by .*, got a file"):
        read(place)


def test_a_read_me_that_is_none(place: Path) -> None:
    (place / "GLORIA_ReadMe_059.xlsx").write_bytes(b"nothing")
    with pytest.raises(FormatError, match=r"GLORIA_ReadMe_059.xlsx: expected a readable spread"):
        read(place)


# --- the sample -----------------------------------------------------------------------------


@pytest.mark.real_data
def test_the_numbers_are_those_of_pymrio(real_data: Path) -> None:
    import pymrio

    path = real_data / "formats" / "gloria_mock"
    table = read(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts, _ = pymrio.parse_gloria_sut(path, year=2022, version=59)
        other = pymrio.parse_gloria(path, year=2022, version=59)
    rows, demand = list(table.x.index), list(table.demand)
    assert rows == list(parts["U"].index) == list(parts["U"].columns)
    assert demand == list(parts["Y"].columns)
    np.testing.assert_array_equal(table.Z.toarray(), parts["U"])
    np.testing.assert_array_equal(table.Y, parts["Y"])
    assert sp.csr_array(parts["V"].to_numpy()).nnz == len(rows)
    np.testing.assert_allclose(table.A.toarray(), other.A.loc[rows, rows], rtol=1e-14)
    inputs = parts["VA"].groupby(level=1, sort=False).sum()
    np.testing.assert_array_equal(table.F, np.vstack([inputs, parts["Q"]]))
    assert table.stressors == (*inputs.index, *parts["Q"].index.get_level_values(0))
    assert not table.F_Y.to_numpy().any()
    assert not parts["QY"].to_numpy().any()
