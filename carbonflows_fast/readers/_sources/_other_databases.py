"""Files of databases that are known and not read: what they are, and the way in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from carbonflows_fast.errors import shorten
from carbonflows_fast.readers._sources._files import Files

__all__ = ["archives_inside", "other_databases", "with_slashes"]

WIOD_TABLES = "WIOT2014_Nov16_ROW.xlsb (release 2016) or wiot09_row_sep12.xlsx (release 2013)"
OF_WIOD = "of the same year, from rug.nl/ggdc/valuechain/wiod"
OWN = "make a table of your own of it, see docs/bring_your_own_table.md"


class Other(NamedTuple):
    """A kind of file: what its name is in full, what it is, and what to do instead."""

    names: str
    what: str
    way: str


OTHERS = (
    # WIOD
    Other(
        r"wiot.*\.(rdata|rda|rds|dta)",
        "WIOD as data of R or Stata",
        f"take the workbook {WIOD_TABLES} {OF_WIOD}",
    ),
    Other(
        r"(wiot|niot|intsut|.*_sut|.*_niot).*pyp.*\.xls[xbm]?",
        "WIOD in prices of the previous year",
        f"take the table in current prices, {WIOD_TABLES}",
    ),
    Other(
        r"[a-z]{3}_niot_.*\.xls[xbm]?",
        "a national table of WIOD",
        f"take the table of the world, {WIOD_TABLES}, or read it with pandas and give it to "
        "cf.national, as docs/national.md shows",
    ),
    Other(
        r"(intsut\d\d|[a-z]{3}_sut)_.*\.xls[xbm]?",
        "supply and use tables of WIOD",
        f"take the input-output table, {WIOD_TABLES}",
    ),
    # EXIOBASE
    Other(
        r"mr_h(iot|sup|use|suts?)_.*\.(csv|txt|xlsx|xlsb|zip|7z)",
        "a part of hybrid EXIOBASE, or its supply and use tables",
        "give the folder with MR_HIOT_2011_v3_3_18_by_product_technology.csv, "
        "MR_HIOT_2011_v3_3_18_FD.csv and the workbook of extensions",
    ),
    Other(
        r"exiobase_3rx.*\.mat",
        "EXIOBASE 3rx, as data of MATLAB",
        "open it with scipy.io.loadmat, name its rows by the release's labels, and save it with "
        f"pymrio, whose folders are read, or {OWN}",
    ),
    # FIGARO
    Other(
        r"(matrix|flatfile|flat)_figaro-e.*\.(csv|zip)",
        "FIGARO-E3, but for its tables",
        "take matrix_FIGARO-e-ic-io-D_ind-by-ind_millionEUR_2015.csv, or its flat twin",
    ),
    # Eora
    Other(
        r"io_[a-z]{3}_\d{4}_(basic|purchasers?).?prices?\.(txt|csv|zip)",
        "a national table of Eora",
        f"take Eora26 or full Eora of the year, which have all countries, or {OWN}",
    ),
    # ADB
    Other(
        r"[a-z]{3} iot \d{4}.*\.xls[xbm]?",
        "a national table of the ADB",
        f"take its table of all economies, ADB-MRIO-2024-August 2025.xlsx, or {OWN}",
    ),
    Other(
        r".*ee-mriot.*\.xls[xbm]?",
        "the ADB's air emissions",
        f"take its table, ADB-MRIO-2024-August 2025.xlsx, or {OWN}",
    ),
    # GTAP, GAMS
    Other(
        r".*\.(har|hrx)",
        "a header array file (HAR), as GTAP has",
        "give the folder with all files of one aggregation (basedata.har and others), as GEMPACK "
        "or ViewHAR wrote them",
    ),
    Other(
        r"gsdf.*\.csv",
        "GTAP-Power MRIO as records",
        f"add up its records by seller and buyer, and {OWN}",
    ),
    Other(
        r".*\.gdx",
        "data of GAMS (GDX), as GTAP has",
        "write each header as CSV with gdxdump (VDFB.csv, VMFB.csv …), which is read, or give the "
        "HAR files",
    ),
    # MATLAB and others
    Other(
        r"([tyq]|q_y)_rex3.*\.mat|rex3_.*\.(zip|mat)",
        "a part of REX3",
        "give the folder with T_REX3.mat, Y_REX3.mat, Q_REX3.mat, Q_Y_REX3.mat and the labels, or "
        "with REX3_2022.zip and REX3_Labels.zip",
    ),
    Other(
        r"(global_mrio|emerging).*\.mat",
        "EMERGING in another layout",
        f"take global_mrio_2019.mat or EMERGING_V2_2023_m.mat, or {OWN}",
    ),
    Other(
        r"\d+(\.\d+){3}",  # its pieces; of files with a dot in front, .zmetadata alone is seen
        "a Zarr store, or a part of one",
        f"give the whole folder of a store of REX3 (2022.zarr), or open it with xarray, and {OWN}",
    ),
    Other(
        r".*\.mat",
        "data of MATLAB",
        f"open it with scipy.io.loadmat, or h5py where it is of version 7.3, and {OWN}",
    ),
    Other(
        r".*\.(rdata|rda|rds)",
        "data of R",
        f"write its frames as CSV in R, and {OWN}",
    ),
    Other(
        r".*\.nc",
        "data in NetCDF, as mrio-toolbox saves",
        "if mrio-toolbox saved it with the parts t and y, unpack it, install "
        "'carbonflows_fast[netcdf]' and give its path; else open it with xarray, and "
        f"{OWN}",
    ),
    Other(
        r".*\.dta",
        "data of Stata",
        f"open it with pandas.read_stata, and {OWN}",
    ),
)

INNER = (
    (r"icio|oecd|_sml|_ext\b", "OECD ICIO"),
    (r"iot_\d{4}|exio", "EXIOBASE"),
    (r"wiot|wiod", "WIOD"),
    (r"eora", "Eora"),
    (r"gloria", "GLORIA"),
    (r"figaro|eu-ic", "FIGARO"),
    (r"eeio", "USEEIO"),
    (r"gtap|gsdf", "GTAP"),
    (r"adb", "ADB"),
    (r"rex3", "REX3"),
)


def other_databases(files: Files) -> Iterator[tuple[str, str, str]]:
    """Yield what is expected, what files are that are known and not read, and the way in.

    Parameters
    ----------
    files : Files
        Among which no table is found.
    """
    for other in OTHERS:
        if found := [name for name, _ in files.matching(other.names)]:
            yield "a table that is read", f"{other.what} ({shorten(found, 2)})", other.way


def archives_inside(files: Files) -> tuple[str, list[str]]:
    """Return the zips inside a zip, and of which database they are by their names, if any says."""
    inner = [name for name, _ in files.matching(r".+\.zip")]
    for pattern, database in INNER:
        if any(re.search(pattern, name, re.IGNORECASE) for name in inner):
            return f" of {database}", inner
    return "", inner


def with_slashes(files: Files) -> Files:
    """Return the files of a zip by names with / where Windows has put backslashes."""
    return replace(files, sizes={name.replace("\\", "/"): s for name, s in files.sizes.items()})
