"""A small table in every layout that is read, written by code: what is damaged to be read."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

from support.files import (
    adb_files,
    eora_files,
    exiobase_supply_files,
    figaro_files,
    gtap_files,
    hybrid_files,
    mario_files,
    matlab_files,
    mrio_toolbox_files,
    oecd_emission_files,
    oecd_files,
    plain_files,
    useeio_files,
    wiod_files,
    zarr_files,
)
from support.files.spreadsheets import write_workbook
from support.worlds import gloria_world

import carbonflows_fast as cf

__all__ = ["LAYOUTS"]


def _world(year: int = 2019) -> cf.Table:
    return cf.synthetic.world(3, 3, year=year, stressors=2, density=0.6, seed=1)


def _exiobase(folder: Path) -> None:
    cf.write_exiobase(_world(), folder / "IOT_2019_pxp")


def _exiobase_zip(folder: Path) -> None:
    cf.write_exiobase(_world(), folder / "IOT_2019_pxp.zip")


def _store(folder: Path) -> None:
    cf.save(_world(), folder / "store")
    for path in (folder / "store").iterdir():
        shutil.move(path, folder / path.name)
    (folder / "store").rmdir()


def _exiobase_supply_use(folder: Path) -> None:
    exiobase_supply_files.Made().write(folder)


def _exiobase_hybrid(folder: Path) -> None:
    hybrid_files.Made().write(folder)


def _figaro(folder: Path) -> None:
    figaro_files.written(folder)
    figaro_files.footprints(folder, [f"2019,{r},HH,{r},,7.5" for r in figaro_files.REGIONS])


def _figaro_e3(folder: Path) -> None:
    figaro_files.energy(folder)
    figaro_files.air_emissions(folder)


def _figaro_flat(folder: Path) -> None:
    matrix = figaro_files.written(folder)
    figaro_files.flattened(matrix)
    matrix.unlink()


def _gtap(folder: Path) -> None:
    gtap_files.World(joint=True).har(folder)


def _gtap_records(folder: Path) -> None:
    gtap_files.World(6).bare().csv(folder)


def _mario_workbook(folder: Path) -> None:
    write_workbook(folder / "own.xlsx", mario_files.sheets(mario_files.flows()))


def _mrio_toolbox(folder: Path) -> None:
    mrio_toolbox_files.write(mrio_toolbox_files.parts(), folder / "own_2019.nc")


def _oecd(folder: Path) -> None:
    edition = oecd_files.Edition(2021, ["AUS", "CHN", "CN1"], {"CN1": "CHN"})
    (folder / edition.member).write_text(edition.text())


def _oecd_emissions(folder: Path) -> None:
    oecd_emission_files.table(folder)
    oecd_emission_files.sdmx(folder, oecd_emission_files.values())


def _eora26(folder: Path) -> None:
    eora_files.put(folder, eora_files.Eora26().files())


def _eora(folder: Path) -> None:
    eora_files.put(folder, eora_files.Full().files())


def _gloria(folder: Path) -> None:
    gloria_world.World().write(folder)


def _gloria_gases(folder: Path) -> None:
    gloria_world.with_gases().write(folder)
    change = gloria_world.spelt(gloria_world.OWN_TOTAL, quoted=True)
    gloria_world.write_read_me(folder / "GLORIA_ReadMe_059.xlsx", change)


def _mario(folder: Path) -> None:
    mario_files.write(mario_files.flows(), folder / "flows")
    mario_files.write_notes(folder, name="Ours", year=2011)


def _mario_parquet(folder: Path) -> None:
    made = mario_files.coefficients(mario_files.flows())
    mario_files.write(made, folder / "coefficients", ".parquet")


def _mario_supply_use(folder: Path) -> None:
    mario_files.write(mario_files.supply_and_use(), folder / "flows")


def _pymrio_parquet(folder: Path) -> None:
    cf.to_pymrio(_world()).save_all(folder, table_format="parquet")


def _emerging(folder: Path) -> None:
    matlab_files.World(uses=3).emerging(folder)


def _rex3(folder: Path) -> None:
    matlab_files.World().rex3(folder)


def _rex3_store(folder: Path) -> None:
    zarr_files.write_store(folder, zarr_files.arrays(matlab_files.World()))


def _useeio(folder: Path) -> None:
    useeio_files.Model().write(folder)


def _useeio_workbook(folder: Path) -> None:
    useeio_files.Model().workbook(folder)


def _plain(folder: Path) -> None:
    plain_files.write_csv(plain_files.own(), folder)


def _plain_parquet(folder: Path) -> None:
    plain_files.write_parquet(plain_files.own(), folder)


def _plain_workbook(folder: Path) -> None:
    plain_files.write_workbook(plain_files.own(), folder / "own_2019.xlsx")


def _wiod2013(folder: Path) -> None:
    made = wiod_files.Made(2013)
    made.write(folder)
    wiod_files.Accounts(made, ("LAN",)).write(folder)


def _wiod2016(folder: Path) -> None:
    wiod_files.Made(2016).write(folder)


def _wiod2016_rdata(folder: Path) -> None:
    wiod_files.Made(2016).write_rdata(folder)


def _adb(folder: Path) -> None:
    made = adb_files.Made()
    made.write(folder)
    made.write_air(folder)


LAYOUTS = {
    "adb": _adb,
    "eora26": _eora26,
    "eora": _eora,
    "emerging": _emerging,
    "exiobase": _exiobase,
    "exiobase-hybrid": _exiobase_hybrid,
    "exiobase-supply-use": _exiobase_supply_use,
    "exiobase-zip": _exiobase_zip,
    "figaro": _figaro,
    "figaro-e3": _figaro_e3,
    "figaro-flat": _figaro_flat,
    "gloria": _gloria,
    "gloria-gases": _gloria_gases,
    "gtap": _gtap,
    "gtap-records": _gtap_records,
    "mario": _mario,
    "mario-parquet": _mario_parquet,
    "mario-supply-use": _mario_supply_use,
    "mario-workbook": _mario_workbook,
    "oecd": _oecd,
    "oecd-emissions": _oecd_emissions,
    "plain": _plain,
    "plain-parquet": _plain_parquet,
    "plain-workbook": _plain_workbook,
    "pymrio-parquet": _pymrio_parquet,
    "rex3": _rex3,
    "store": _store,
    "useeio": _useeio,
    "useeio-workbook": _useeio_workbook,
    "wiod2013": _wiod2013,
    "wiod2016": _wiod2016,
    "wiod2016-rdata": _wiod2016_rdata,
}
if all(map(find_spec, ("pyfive", "h5netcdf"))):  # the extra netcdf, and what writes such files
    LAYOUTS["mrio-toolbox"] = _mrio_toolbox
if find_spec("numcodecs"):  # the extra zarr
    LAYOUTS["rex3-store"] = _rex3_store
