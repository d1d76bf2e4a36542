"""An invented table of GTAP, and writers of its layouts: header array files and records.

Its accounts balance as GTAP's do, up to float32, in which all of them are kept.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["World", "write_har"]

Array = npt.NDArray[Any]
Named = tuple[tuple[str, ...], Array]  # the sets of an array, and its numbers

REGIONS = ["AUS", "EU_3", "ROW"]  # the first is one country, and does not trade with itself
COMMODITIES = ["coa", "mnf", "wtp", "otp"]
CARRIERS = ["wtp", "otp"]
FUELS = ["coa", "mnf"]
FACTORS = ["Land", "Capital"]
GASES = ["CH4", "N2O"]
JOINT = ["mine", "plant", "ships", "buses", "mixed"]  # activities that make several
INVESTMENT = "CGDS"

OLD_NAMES = {
    "VDPB": "VDPM", "VMPB": "VIPM", "VDGB": "VDGM", "VMGB": "VIGM", "VDPP": "VDPA",
    "VMPP": "VIPA", "VDGP": "VDGA", "VMGP": "VIGA", "VXSB": "VXMD", "VFOB": "VXWD",
    "VMSB": "VIMS", "VCIF": "VIWS", "MDP": "MDP", "MMP": "MIP", "MDG": "MDG", "MMG": "MIG",
}  # fmt: skip
OLD_FIRMS = {
    "VDFB": ("VDFM", "VDIB"), "VMFB": ("VIFM", "VMIB"), "VDFP": ("VDFA", "VDIP"),
    "VMFP": ("VIFA", "VMIP"), "MDF": ("MDF", "MDI"), "MMF": ("MIF", "MMI"),
    "EVFB": ("VFM", None), "EVFP": ("EVFA", None),
}  # fmt: skip
EMISSIONS = ("MDF", "MMF", "MDP", "MMP", "MDG", "MMG", "MDI", "MMI", "MIF", "MIP", "MIG")


class World:
    """Accounts by header, as version 7 or 6 has them.

    Attributes
    ----------
    sets : dict of str to list of str
    arrays : dict of str to (names of sets, array)
    """

    def __init__(self, version: int = 7, *, joint: bool = False, seed: int = 3) -> None:
        self.rng = np.random.default_rng(seed)
        activities = JOINT if joint else COMMODITIES
        self.sets = {
            "REG": REGIONS, "COMM": COMMODITIES, "ACTS": activities, "MARG": CARRIERS,
            "ENDW": FACTORS, "FUEL": FUELS, "EM": GASES,
        }  # fmt: skip
        self.arrays: dict[str, Named] = {}
        self._accounts(joint)
        self._emissions()
        if version == 6:
            self._rename()

    def _put(self, name: str, sets: str, values: Array) -> Array:
        kept = np.asarray(values, dtype=np.float32).astype(np.float64)
        self.arrays[name] = (tuple(sets.split()), kept)
        return kept

    def _random(self, *sets: str, low: float = 1.0, high: float = 9.0) -> Array:
        return self.rng.uniform(low, high, [len(self.sets[one]) for one in sets])

    def _accounts(self, joint: bool) -> None:
        rng, put = self.rng, self._put
        C, R, A = len(COMMODITIES), len(REGIONS), len(self.sets["ACTS"])
        trade = self._random("COMM", "REG", "REG", low=5, high=50)
        trade[:, 0, 0] = 0.0
        fob = trade * rng.uniform(0.98, 1.1, trade.shape)
        carried = fob[None] * rng.uniform(0.0, 0.1, (len(CARRIERS), C, R, R))
        carried[0, 2] = carried[1, 3] = 0.0  # transport needs none
        landed = (fob + carried.sum(axis=0)) * rng.uniform(1.0, 1.3, trade.shape)
        parts = rng.dirichlet(np.full(A + 3, 5.0), (C, R)).transpose(0, 2, 1)
        parts[1, 0, 1] += parts[1, 1, 1]
        parts[1, 1, 1] = 0.0  # someone who imports none
        imported = parts * landed.sum(axis=1)[:, None, :]
        home = rng.uniform(1.0, 20.0, (C, A + 3, R))
        supplied = np.zeros((C, R))
        for m, name in enumerate(CARRIERS):
            at = COMMODITIES.index(name)
            supplied[at] = rng.dirichlet(np.ones(R)) * carried[m].sum()
        home[:, A] += 1500.0  # so that factors are paid
        output = home.sum(axis=1) + trade.sum(axis=2) + supplied
        make = np.zeros((C, A, R))
        if joint:
            make[:] = rng.dirichlet(np.full(A, 9.0), (C, R)).transpose(0, 2, 1) * output[:, None]
        else:
            make[np.arange(C), np.arange(C)] = output
        untaxed = make / rng.uniform(0.95, 1.1, make.shape)
        paid_home, paid_import = (
            one * rng.uniform(0.95, 1.2, one.shape) for one in (home, imported)
        )
        costs = (paid_home + paid_import)[:, :A].sum(axis=0)
        factors = rng.dirichlet(np.ones(len(FACTORS)), (A, R)).transpose(2, 0, 1)
        factors = factors * (untaxed.sum(axis=0) - costs)
        assert factors.min() > 0
        for letter, bought in (("DB", home), ("MB", imported), ("DP", paid_home),
                               ("MP", paid_import)):  # fmt: skip
            kind, price = letter
            put(f"V{kind}F{price}", "COMM ACTS REG", bought[:, :A])
            for at, user in enumerate("PGI"):
                put(f"V{kind}{user}{price}", "COMM REG", bought[:, A + at])
        put("VXSB", "COMM REG REG", trade)
        put("VFOB", "COMM REG REG", fob)
        put("VCIF", "COMM REG REG", fob + carried.sum(axis=0))
        put("VMSB", "COMM REG REG", landed)
        put("VTWR", "MARG COMM REG REG", carried)
        put("VST", "MARG REG", supplied[[COMMODITIES.index(name) for name in CARRIERS]])
        put("MAKB", "COMM ACTS REG", make)
        put("MAKS", "COMM ACTS REG", untaxed)
        put("EVFP", "ENDW ACTS REG", factors)
        put("EVFB", "ENDW ACTS REG", factors / rng.uniform(1.0, 1.3, factors.shape))
        put("POP", "REG", self._random("REG"))

    def _emissions(self) -> None:
        for origin in "DM":
            self._put(f"M{origin}F", "FUEL ACTS REG", self._random("FUEL", "ACTS", "REG"))
            self._put(f"E{origin}F", "FUEL ACTS REG", self._random("FUEL", "ACTS", "REG"))
            for user in "PGI":
                self._put(f"M{origin}{user}", "FUEL REG", self._random("FUEL", "REG"))
        self._put("NQO", "EM ACTS REG", self._random("EM", "ACTS", "REG"))
        self._put("NHH", "EM COMM REG", self._random("EM", "COMM", "REG"))

    def _rename(self) -> None:
        """Turn headers of version 7 into those of version 6, where investment is a user."""
        new = {name: named for name, named in self.arrays.items() if name in ("VST", "VTWR", "POP")}
        for name, old in OLD_NAMES.items():
            new[old] = self.arrays[name]
        for name, (old, invested) in OLD_FIRMS.items():
            sets, values = self.arrays[name]
            last = np.zeros((values.shape[0], 1, values.shape[2]))
            if invested is not None:
                last[:, 0] = self.arrays[invested][1]
            sets = tuple(one if one != "ACTS" else "PROD_COMM" for one in sets)
            new[old] = (sets, np.concatenate([values, last], axis=1))
        rename = {"COMM": "TRAD_COMM", "ENDW": "ENDW_COMM", "MARG": "MARG_COMM"}
        self.arrays = {
            name: (tuple(rename.get(one, one) for one in sets), values)
            for name, (sets, values) in new.items()
        }
        self.sets = {rename.get(name, name): labels for name, labels in self.sets.items()}
        self.sets.pop("ACTS")
        self.sets["PROD_COMM"] = [*COMMODITIES, INVESTMENT]

    def without(self, *names: str) -> World:
        for name in names:
            del self.arrays[name]
        return self

    def bare(self) -> World:
        """Keep what must be there alone, and CO2 of firms."""
        needed = {"VST", "VTWR", "VXSB", "VXMD", "MAKB", "MDF"}
        needed |= {f"V{kind}{user}B" for kind in "DM" for user in "FPGI"}
        needed |= {f"V{kind}{user}M" for kind in "DI" for user in "FPG"}
        return self.without(*(name for name in list(self.arrays) if name not in needed))

    def har(self, folder: Path, *, sparse: Sequence[str] = ("MAKB",), box: int = 50) -> Path:
        """Write accounts in one file, emissions and energy in another."""
        folder.mkdir(parents=True, exist_ok=True)
        beside = [name for name in self.arrays if name in EMISSIONS or name[0] in "EN"]
        beside = [name for name in beside if not name.startswith("EV")]
        for file, names in (
            ("basedata.har", [name for name in self.arrays if name not in beside]),
            ("emissions.har", beside),
        ):
            arrays = {name: self.arrays[name] for name in names}
            if arrays:
                write_har(folder / file, arrays, self.sets, sparse=sparse, box=box)
        return folder

    def csv(self, folder: Path, before: str = "", *, zeros: bool = True) -> Path:
        """Write a file of records for each array, and of labels for each set."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, (sets, values) in self.arrays.items():
            lines = [",".join([*sets, "value"])]
            for labels, value in zip(
                product(*(self.sets[one] for one in sets)), values.ravel().tolist(), strict=True
            ):
                if zeros or value:
                    lines.append(",".join([*labels, repr(value)]))
            name = COEFFICIENTS.get(name, name)
            (folder / f"{before}{name}.csv").write_text("\n".join(lines) + "\n")
        for name, members in self.sets.items():
            lines = ['"Label","Description"', *(f'"{one}","The {one}"' for one in members)]
            (folder / f"{before}{name}.csv").write_text("\n".join(lines) + "\n")
        return folder


# --- header array files -----------------------------------------------------------------------

COEFFICIENTS = {"NQO": "EMI_QO", "NHH": "EMI_HH"}  # names in models that are not the header


def write_har(
    path: Path,
    arrays: dict[str, Named],
    sets: dict[str, list[str]],
    *,
    sparse: Sequence[str] = (),
    box: int = 50,
) -> Path:
    """Write arrays with labels; `box` is how many numbers a record holds at most."""
    records = [b"XXCD", _metadata("1CFULL", "Creation date", [1, 20]), _text(["today"], 20)]
    for name, (dimensions, values) in arrays.items():
        kind = "RESPSE" if name in sparse else "REFULL"
        padded = list(values.shape) + [1] * (7 - values.ndim)
        records += [name.ljust(4).encode(), _metadata(kind, f"The array {name}", padded)]
        records.append(_sets(COEFFICIENTS.get(name, name), dimensions))
        records += [_text(sets[one], 12) for one in dict.fromkeys(dimensions)]
        numbers = values.astype("<f4").ravel(order="F")
        records += _sparse(numbers, box) if name in sparse else _full(numbers, values.shape, box)
    path.write_bytes(b"".join(struct.pack("<i", len(one)) + one + struct.pack("<i", len(one))
                              for one in records))  # fmt: skip
    return path


def _record(*whole: int) -> bytes:
    return b"    " + struct.pack(f"<{len(whole)}i", *whole)


def _metadata(kind: str, description: str, dimensions: Sequence[int]) -> bytes:
    text = f"    {kind}{description:<70}".encode()
    return text + struct.pack(f"<{1 + len(dimensions)}i", len(dimensions), *dimensions)


def _text(labels: Sequence[str], width: int) -> bytes:
    return _record(1, len(labels), len(labels)) + b"".join(
        one.encode().ljust(width)[:width] for one in labels
    )


def _sets(coefficient: str, dimensions: Sequence[str]) -> bytes:
    count = len(dimensions)
    names = b"".join(one.encode().ljust(12)[:12] for one in dimensions)
    head = _record(len(set(dimensions)), -1, count) + coefficient.encode().ljust(12)
    return head + struct.pack("<i", -1) + names + b"k" * count + bytes(4 * (count + 1))


def _full(numbers: Array, shape: Sequence[int], box: int) -> Iterable[bytes]:
    """Write whole slices of the last dimension, as many as a record holds, at least one."""
    padded = [*shape, *[1] * (7 - len(shape))]
    slices = shape[-1]
    each = numbers.size // slices
    step = max(1, box // each)
    starts = range(0, slices, step)
    left = 1 + 2 * len(starts)
    yield _record(left, 7, *padded)
    for start in starts:
        end = min(start + step, slices)
        bounds = [[1, size] for size in padded]
        bounds[len(shape) - 1] = [start + 1, end]
        yield _record(left - 1, *(one for pair in bounds for one in pair))
        yield _record(left - 2) + numbers[start * each : end * each].tobytes()
        left -= 2


def _sparse(numbers: Array, box: int) -> Iterable[bytes]:
    places = np.flatnonzero(numbers)
    yield _record(len(places), 4, 4) + b" " * 80
    for start in range(0, len(places), box):
        own = places[start : start + box]
        left = -(-(len(places) - start) // box)
        yield (
            _record(left, len(places), len(own))
            + (own + 1).astype("<i4").tobytes()
            + numbers[own].tobytes()
        )
