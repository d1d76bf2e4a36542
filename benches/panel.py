"""Measure 28 years of flows on one and two workers, beside one year through pymrio.

    python benches/panel.py FOLDER

FOLDER keeps 28 synthetic tables of EXIOBASE's size, made on the first run (8 GB). Ours is
`Panel(FOLDER).flows()` from saved tables: as a user calls it, the start of the pool and its end
included, and on one and two workers that are there already. pymrio's is `parse_exiobase3` and
`calc_all` of one of these years in its own text layout, with all processors for its BLAS, in a
process of its own. All runs are taken in turns, and the tables are read once before, so that both
libraries find their input in the system's cache. Flows of two years must be those of the single
function, to the last bit, before a ratio is printed.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from distributed import Client, LocalCluster

import carbonflows_fast as cf

PEER = """
import sys, time, warnings
warnings.simplefilter("ignore")
import pymrio
begun = time.perf_counter()
io = pymrio.parse_exiobase3(sys.argv[1])
parsed = time.perf_counter()
io.calc_all()
ended = time.perf_counter()
extension = next(io.get_extensions(data=True))
print(parsed - begun, ended - parsed, float(extension.D_cba_reg.to_numpy().sum()))
"""


def make(folder: Path, years: range, regions: int, sectors: int) -> None:
    """Save what is not there yet."""
    for year in years:
        if not (folder / str(year)).exists():
            cf.save(cf.synthetic.world(regions, sectors, year=year), folder / str(year))


def warm(folder: Path) -> None:
    """Read all files, which leaves them in the system's cache."""
    for file in folder.rglob("*.npy"):
        with file.open("rb") as stream:
            while stream.read(1 << 24):
                pass


def ours(folder: Path, client: Client | None) -> tuple[float, pd.DataFrame]:
    """Seconds of all years, and the flows."""
    begun = time.perf_counter()
    found = cf.Panel(folder, workers=2).flows(client=client, progress=False)
    return time.perf_counter() - begun, found


def running(folder: Path, workers: int) -> tuple[float, pd.DataFrame]:
    """Run on workers that are there already and have done a year each."""
    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(workers)
        first = cf.Panel(folder).years[:workers]
        cf.Panel(folder).flows(client=client, years=first, progress=False)
        return ours(folder, client)


def peer(path: Path) -> tuple[float, float, float]:
    """Seconds to parse and to calculate, and the sum of the footprints."""
    threads = str(len(os.sched_getaffinity(0)))
    text = subprocess.check_output(
        [sys.executable, "-c", PEER, str(path)], text=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": threads},
    )  # fmt: skip
    parse, calculate, total = map(float, text.split())
    return parse, calculate, total


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--regions", type=int, default=49)
    parser.add_argument("--sectors", type=int, default=200)
    parser.add_argument("--years", type=int, default=28)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--alone", action="store_true", help="leave pymrio out")
    arguments = parser.parse_args()
    years = range(2023 - arguments.years, 2023)
    make(arguments.folder, years, arguments.regions, arguments.sectors)
    panel = cf.Panel(arguments.folder)
    table = panel[panel.years[-1]]
    single = {year: cf.flows(panel[year]).to_frame() for year in (years[0], years[-1])}
    with tempfile.TemporaryDirectory() as place:
        text = Path(place) / "text"
        cf.write_exiobase(table, text)
        calls: dict[str, Callable[[], tuple[float, pd.DataFrame]]] = {
            "a pool of two, its start included": lambda: ours(arguments.folder, None),
            "two workers": lambda: running(arguments.folder, 2),
            "one worker": lambda: running(arguments.folder, 1),
        }
        seconds: dict[str, list[float]] = {name: [] for name in (*calls, "parse", "calc_all")}
        for _ in range(arguments.rounds):
            warm(arguments.folder)
            for name, call in calls.items():
                took, found = call()
                seconds[name].append(took)
                for year, frame in single.items():
                    here = found.loc[year].reset_index(drop=True)
                    pd.testing.assert_frame_equal(here, frame, check_exact=True)
            if arguments.alone:
                continue
            parse, calculate, total = peer(text)
            accounts = cf.accounts(table)
            assert abs(total - accounts["consumption"].sum()) < 1e-6 * abs(total)
            seconds["parse"].append(parse)
            seconds["calc_all"].append(calculate)
    median = {name: statistics.median(values or [math.nan]) for name, values in seconds.items()}
    pymrio = median["parse"] + median["calc_all"]
    print(f"n = {table.n:,}, {len(panel)} years; {cf.build_info()['instruction_set']}")  # noqa: T201
    print("| flows of all years | seconds | beside pymrio's one year | a year |")  # noqa: T201
    print("|---|---|---|---|")  # noqa: T201
    for name in calls:
        took = median[name]
        line = f"| {name} | {took:.1f} | 1/{pymrio / took:.2f} | {took / len(panel):.2f} |"
        print(line)  # noqa: T201
    print(f"two workers: {median['one worker'] / median['two workers']:.2f} times as fast as one")  # noqa: T201
    print(f"pymrio, one year: parse {median['parse']:.1f}, calc_all {median['calc_all']:.1f} s")  # noqa: T201


if __name__ == "__main__":
    main()
