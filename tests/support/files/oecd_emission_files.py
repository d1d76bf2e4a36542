"""The OECD's emissions beside its tables, written by code."""

from __future__ import annotations

from pathlib import Path

from support.files.oecd_files import EDITIONS, Edition

AREAS = ["AUS", "CHN", "ROW"]

CODES = ["A01_02", "C24A", "T"]

SDMX = "STRUCTURE,REF_AREA,MEASURE,ACTIVITY,UNIT_MEASURE,UNIT_MULT,TIME_PERIOD,OBS_VALUE"


def table(folder: Path, edition: int = 2023, codes: list[str] = CODES) -> Edition:
    """Write a table, its sectors renamed."""
    made = Edition(edition, *EDITIONS[edition])
    text = made.text()
    for old, new in zip(CODES, codes, strict=True):
        text = text.replace(f"_{old},", f"_{new},")
    (folder / made.member).write_text(text)
    return made


def values(areas: list[str] = AREAS, codes: list[str] = CODES) -> dict[tuple[str, str], float]:
    return {(a, c): 1.5 + 10 * i + j for i, a in enumerate(areas) for j, c in enumerate(codes)}


def sdmx(folder: Path, rows: dict[tuple[str, str], float], *more: str) -> None:
    lines = [f"x,{a},PROD_GHG,{c},T_CO2E,6,2018,{v}" for (a, c), v in rows.items()]
    lines += [f"x,{a},FD_GHG,{c},T_CO2E,6,2018,99" for a, c in rows]
    lines += [f"x,{a},PROD_GHG,{c},T_CO2E,6,2017,98" for a, c in rows]
    lines += [f"x,{a},PROD_GHG,{c},T_CO2E_PS,0,2018,97" for a, c in rows]
    (folder / "DF_MAIN.csv").write_text("\n".join([SDMX, *lines, *more]) + "\n")


def row(area: str, code: str, value: object, power: int = 6) -> str:
    return f"x,{area},PROD_GHG,{code},T_CO2E,{power},2018,{value}"
