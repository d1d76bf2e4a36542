"""A small table as MARIO saves it: one file for each matrix, labels with three levels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Frames = dict[str, pd.DataFrame]

LEVELS = ["Region", "Level", "Item"]
REGIONS, SECTORS, USERS = ["NA", "Côte d'Ivoire"], ["Steel, iron", "Rest"], ["Final demand"]
ACTIVITIES, COMMODITIES = ["Steel, iron", "Rest"], ["Steel, iron", "Scrap", "Others"]
FACTORS, SATELLITES = ["Taxes", "Wages"], ["Employment", "CO2"]
UNITS = {
    # In another order than the matrices, as MARIO has them.
    "Sector": {"Rest": "M EUR", "Steel, iron": "t"},
    "Commodity": dict.fromkeys(["Others", "Scrap", "Steel, iron"], "M EUR"),
    "Activity": {"Rest": "M EUR", "Steel, iron": "M EUR"},
    "Factor of production": {"Taxes": "M EUR", "Wages": "None"},
    "Satellite account": {"CO2": "kg", "Employment": "1000 p"},
}


def index(level: str, items: list[str]) -> pd.MultiIndex:
    return pd.MultiIndex.from_product([REGIONS, [level], items], names=LEVELS)


def flows() -> Frames:
    rng = np.random.default_rng(5)
    rows, users = index("Sector", SECTORS), index("Consumption category", USERS)
    factors, satellites = pd.Index(FACTORS, name="Item"), pd.Index(SATELLITES, name="Item")
    Z = pd.DataFrame(rng.uniform(0, 2, (4, 4)), rows, rows)
    Y = pd.DataFrame(rng.uniform(1, 9, (4, 2)), rows, users)
    X = pd.DataFrame({"production": Z.sum(axis=1) + Y.sum(axis=1)})
    return {
        "Z": Z,
        "Y": Y,
        "V": pd.DataFrame(rng.uniform(0, 2, (2, 4)), factors, rows),
        "VY": pd.DataFrame(np.zeros((2, 2)), factors, users),
        "E": pd.DataFrame(rng.uniform(0, 2, (2, 4)), satellites, rows),
        "EY": pd.DataFrame(rng.uniform(0, 2, (2, 2)), satellites, users),
        "X": X,
    }


def coefficients(frames: Frames) -> Frames:
    x = frames["X"]["production"].to_numpy()
    divided = {key.lower(): frames[key] / x for key in "ZVE"}
    return {**divided, **{key: frames[key] for key in ("Y", "EY", "VY")}}


def supply_and_use() -> Frames:
    """Balanced flows of supply and use, with three commodities of two activities."""
    rng = np.random.default_rng(6)
    makers, users = index("Activity", ACTIVITIES), index("Consumption category", USERS)
    goods = index("Commodity", COMMODITIES)
    factors, satellites = pd.Index(FACTORS, name="Item"), pd.Index(SATELLITES, name="Item")
    S = np.kron(np.eye(2), rng.uniform(1, 9, (2, 3)).round(2))
    U = rng.uniform(0, 1, (6, 4)).round(2)
    home = np.kron([[0.75, 0.25], [0.25, 0.75]], np.ones((3, 1)))
    Yc = (S.sum(axis=0) - U.sum(axis=1))[:, None] * home
    paid = np.array([S.sum(axis=1) - U.sum(axis=0), [1.0, 2.0, 3.0, 4.0]])  # the second in no unit
    emitted = rng.uniform(0, 2, (2, 4)).round(2)
    return {
        "U": pd.DataFrame(U, goods, makers),
        "S": pd.DataFrame(S, makers, goods),
        "Ya": pd.DataFrame(np.zeros((4, 2)), makers, users),
        "Yc": pd.DataFrame(Yc, goods, users),
        "Va": pd.DataFrame(paid, factors, makers),
        "Vc": pd.DataFrame(np.zeros((2, 6)), factors, goods),
        "VY": pd.DataFrame(np.zeros((2, 2)), factors, users),
        "Ea": pd.DataFrame(emitted, satellites, makers),
        "Ec": pd.DataFrame(np.zeros((2, 6)), satellites, goods),
        "EY": pd.DataFrame(rng.uniform(0, 2, (2, 2)).round(2), satellites, users),
    }


def units() -> pd.DataFrame:
    pairs = [(level, item) for level, known in UNITS.items() for item in known]
    texts = [unit for known in UNITS.values() for unit in known.values()]
    return pd.DataFrame({"unit": texts}, pd.MultiIndex.from_tuples(pairs))


def write(frames: Frames, folder: Path, suffix: str = ".txt", **options: Any) -> Path:
    """Write into a folder called "flows" or "coefficients", as MARIO does."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in {**frames, "units": units()}.items():
        if suffix == ".parquet":
            frame.to_parquet(folder / f"{name}.parquet")
        else:
            frame.to_csv(folder / f"{name}{suffix}", **options)
    return folder


def sheets(frames: Frames, name: str = "flows") -> dict[str, list[list[Any]]]:
    """Return what `to_excel` writes: all matrices in one sheet, and the units."""
    kind = str.lower if name == "coefficients" else str
    Z, Y = frames[kind("Z")], frames["Y"]
    columns = [*Z.columns, *Y.columns]
    rows: list[list[Any]] = [[None] * 3 + [label[level] for label in columns] for level in range(3)]
    rows += [[*label, *Z.loc[label], *Y.loc[label]] for label in Z.index]
    for key, direct, level in (
        ("V", "VY", "Factor of production"),
        ("E", "EY", "Satellite account"),
    ):
        account = pd.concat([frames[kind(key)], frames[direct]], axis=1)
        rows += [["-", level, item, *account.loc[item]] for item in account.index]
    return {name: rows, "units": unit_rows()}


def unit_rows() -> list[list[Any]]:
    listed = [[*label, unit] for label, unit in units()["unit"].items()]
    return [[None, None, "unit"], *listed]


def supply_and_use_sheets(frames: Frames, name: str = "flows") -> dict[str, list[list[Any]]]:
    """Return what `to_excel` writes of supply and use; blocks without a meaning are zero."""
    goods, makers, users = (frames[key].columns for key in ("S", "U", "Yc"))
    columns = [*goods, *makers, *users]
    rows: list[list[Any]] = [[None] * 3 + [label[level] for label in columns] for level in range(3)]
    rows += [[*at, *[0] * len(goods), *frames["U"].loc[at], *frames["Yc"].loc[at]] for at in goods]
    rows += [
        [*at, *frames["S"].loc[at], *[0] * len(makers), *frames["Ya"].loc[at]] for at in makers
    ]
    for key, level in (("V", "Factor of production"), ("E", "Satellite account")):
        account = pd.concat([frames[f"{key}{axis}"] for axis in "caY"], axis=1)
        rows += [[None, level, item, *account.loc[item]] for item in account.index]
    return {name: rows, "units": unit_rows()}


def write_notes(folder: Path, **notes: Any) -> None:
    (folder / "metadata.json").write_text(json.dumps({"table": "IOT", **notes}))
