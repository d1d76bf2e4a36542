"""FIGARO's files, written by code: a matrix, the same as a flat file, and footprints."""

from __future__ import annotations

from pathlib import Path

import numpy as np

REGIONS = ["AT", "FIGW1", "GR"]
CATEGORIES = ["P3_S13", "P3_S14", "P5M"]
INPUTS = ["W2_D21X31", "W2_OP_RES", "W2_D1"]
NAME = "ind-by-ind_24ed_2019"
ENERGY = "ind-by-ind_millionEUR_2015"


def written(folder: Path, prefix: str = "", name: str = NAME) -> Path:
    """Write a table cell by cell; sector C31_32 has an underscore."""
    rng = np.random.default_rng(1)
    rows = [f"{region}_{prefix}{code}" for region in REGIONS for code in ("A01", "C31_32")]
    demand = [f"{region}_{category}" for region in REGIONS for category in CATEGORIES]
    numbers = rng.uniform(-0.5, 9, (len(rows) + len(INPUTS), len(rows) + len(demand))).round(3)
    numbers[rng.random(numbers.shape) < 0.2] = 0
    lines = [["rowLabels", *rows, *demand]]
    lines += [[label, *map(str, line)] for label, line in zip([*rows, *INPUTS], numbers.tolist())]
    path = folder / f"matrix_eu-ic-io_{name}.csv"
    path.write_text("\n".join(",".join(line) for line in lines) + "\n")
    return path


def energy(folder: Path) -> Path:
    """Write the same table as FIGARO-E3 names it; its header begins with icioiRow."""
    path = written(folder, name=ENERGY)
    path.write_text(path.read_text().replace("rowLabels", "icioiRow"))
    return path.rename(folder / f"matrix_FIGARO-e-ic-io-D_{ENERGY}.csv")


def air_emissions(folder: Path, more: list[str] | None = None) -> np.ndarray:
    """Write FIGARO-E3's emissions of two gases, and more lines; return (gas, region, code)."""
    numbers = np.random.default_rng(4).uniform(0, 9, (2, len(REGIONS), 3)).round(6)
    codes = ("A01", "C31_32", "HH")
    lines = ["codeIndicator,refArea,colPi,unit,obsValue"]
    lines += [
        f"{('CO2', 'CH4')[g]},{REGIONS[r]},{codes[c]},Gg CO2e,{value!r}"
        for (g, r, c), value in zip(np.ndindex(numbers.shape), numbers.ravel().tolist())
    ]
    path = folder / "flatfile_FIGARO-e_AEM_Gg_CO2e_2015.csv"
    path.write_text("\n".join([*lines, *(more or [])]) + "\n")
    return numbers


def flattened(matrix: Path, letter: str = "i") -> Path:
    """Write a matrix as a flat file beside it."""
    header, *lines = (line.split(",") for line in matrix.read_text().splitlines())
    side = f"{letter.upper()}{letter}"
    flat = [f"icio{letter}Row,icio{letter}Col,refArea,row{side},counterpartArea,col{side},obsValue"]
    for row, *cells in lines:
        for column, cell in zip(header[1:], cells, strict=True):
            pair = row.partition("_")[::2] + column.partition("_")[::2]
            flat.append(",".join((row, column, *pair, cell)))
    path = matrix.with_name(matrix.name.replace("matrix", "flatfile"))
    path.write_text("\n".join(flat) + "\n")
    return path


HEADER = "time_period,ref_area,industry,counterpart_area,sto,obs_value"


def footprints(
    folder: Path, more: list[str], name: str = "co2Footprint_23ed_2019.csv"
) -> np.ndarray:
    """Write footprints of all sectors, and more lines; return (regions, sectors, users, uses)."""
    rng = np.random.default_rng(2)
    numbers = rng.uniform(0, 5, (len(REGIONS), 2, len(REGIONS), len(CATEGORIES)))
    lines = [
        f"2019,{REGIONS[r]},{('A01', 'C31_32')[i]},{REGIONS[u]},{CATEGORIES[c]},{value!r}"
        for (r, i, u, c), value in zip(np.ndindex(numbers.shape), numbers.ravel().tolist())
    ]
    (folder / name).write_text("\n".join([HEADER, *lines, *more]) + "\n")
    return numbers
