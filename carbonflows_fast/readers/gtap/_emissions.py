"""Emissions and energy by user, in GTAP's own files beside its accounts.

CO2 of combustion comes by fuel, user and region, from fuels bought at home and from imported ones:
MDF and MMF of firms, MDP, MDG and MDI … of final users (Mt; releases 8 to 10 call imported ones
MIF, MIP, MIG and have investment as a user, CGDS). Release 7 has all in one array EGHG (Gg), with
final users HH and GOVT. Release 11 adds other gases, CO2 of processes and air pollutants, by what
they are tied to: EMI_IO, EMI_IOP, EMI_HH, EMI_QO, EMI_ENDW (Mt), which are summed. Energy bought,
EDF and EMF and so on, is in Mtoe. Names and units are those in programs that read these files; no
original was seen.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._stressor_blocks import StressorBlock
from carbonflows_fast.readers.gtap._accounts import FINAL, Accounts
from carbonflows_fast.readers.gtap._har import Array
from carbonflows_fast.readers.gtap._headers import Headers
from carbonflows_fast.readers.gtap._mrio import Makers

__all__ = ["EMISSIONS", "emission_blocks"]

logger = logging.getLogger(__name__)

EMISSIONS, ENERGY = "emissions", "energy"
HOUSEHOLDS, GOVERNMENT, INVESTMENT = range(len(FINAL))
FINAL_USERS = {"hh": HOUSEHOLDS, "govt": GOVERNMENT, "cgds": INVESTMENT}  # as arrays call them


class _Source(NamedTuple):
    """An array, and what its dimensions are.

    Attributes
    ----------
    headers : tuple of str
        What it is called; releases differ.
    dimensions : str
        A letter each: gas "g", fuel "f", user "u", region "r", "o" for others that are summed.
    final : int or None
        Who emits, where that is no dimension.
    extension, name, unit : str
        Of its stressors; {} is the gas, or the fuel of energy.
    """

    headers: tuple[str, ...]
    dimensions: str
    final: int | None
    extension: str
    name: str
    unit: str


def _sources() -> Iterator[_Source]:
    ends = (("F", None), ("P", HOUSEHOLDS), ("G", GOVERNMENT), ("I", INVESTMENT))
    for letter, final in ends:
        of_fuels = "our" if final is None else "or"
        for names in ((f"MD{letter}",), (f"MM{letter}", f"MI{letter}")):
            yield _Source(names, of_fuels, final, EMISSIONS, "CO2", "Mt")
    yield _Source(("EGHG",), "gour", None, EMISSIONS, "{}", "Gg")
    yield _Source(("EMI_IO",), "gour", None, EMISSIONS, "{}", "Mt")
    yield _Source(("EMI_HH",), "gor", HOUSEHOLDS, EMISSIONS, "{}", "Mt")
    yield _Source(("EMI_IOP",), "gour", None, EMISSIONS, "{}", "Mt")
    yield _Source(("EMI_QO",), "gur", None, EMISSIONS, "{}", "Mt")
    yield _Source(("EMI_ENDW",), "gour", None, EMISSIONS, "{}", "Mt")
    for letter, final in ends:
        of_fuels = "fur" if final is None else "fr"
        for names in ((f"ED{letter}",), (f"EM{letter}", f"EI{letter}")):
            yield _Source(names, of_fuels, final, ENERGY, "energy | {}", "Mtoe")


CARBON_DIOXIDE = (EMISSIONS, "CO2", "Mt")
BURNT_TOO = ("EMI_IO", "EMI_HH")  # have CO2 of fuels bought, as MDF and others do
NOT_READ = ("NC_QO_CEQ", "NC_TRAD_CEQ", "NC_ENDW_CEQ", "NC_HH_CEQ", "EMI_LU")
WHY_NOT = "whose units differ by release, or which no user causes"


def emission_blocks(
    headers: Headers, accounts: Accounts, makers: Makers
) -> tuple[list[StressorBlock], list[str]]:
    """Return what is there of emissions and energy, and notes on it.

    Raises
    ------
    FormatError
        If an array is damaged, or its labels are none of the accounts'.
    """
    sums = _Sums()
    lacking = []
    for source in _sources():
        array = headers.find(*source.headers)
        if array is not None:
            for label, values in _by_stressor(source, array, accounts, makers):
                sums.add(source, label, values)
        elif (source.extension, source.name) == CARBON_DIOXIDE[:2] and source.final != INVESTMENT:
            lacking.append(" or ".join(source.headers))
    if unread := [name for name in NOT_READ if headers.has(name)]:
        logger.warning("%s: not read: %s, %s", headers.where, shorten(unread, 10), WHY_NOT)
    blocks = []
    found, notes = sums.result()
    if lacking and CARBON_DIOXIDE in found and not any(map(headers.has, BURNT_TOO)):
        notes.append(f"CO2 of combustion is not whole: {shorten(lacking, 9)} are not there, zero.")
    for extension in (EMISSIONS, ENERGY):
        own = {key: values for key, values in found.items() if key[0] == extension}
        if own:
            names, units = [key[1] for key in own], [key[2] for key in own]
            read = _reader(list(own.values()), accounts, makers, f"{headers.where}, {extension}")
            blocks.append(StressorBlock(names, [extension] * len(own), units, read))
    return blocks, notes


class _Sums:
    """Emissions (U, R) by extension, stressor and unit, those of all arrays added up.

    CO2 of combustion has arrays of its own, so that what others have of fuels that the same users
    buy would count it again, and is left out beside them. CO2 of processes is added to it, and the
    part of combustion is then a stressor too. Gases may be in small letters.
    """

    def __init__(self) -> None:
        self.sums: dict[tuple[str, str, str], FloatArray] = {}
        self.left_out: dict[str, float] = {}  # by header
        self.combustion: FloatArray | None = None
        self._names = {CARBON_DIOXIDE[1].casefold(): CARBON_DIOXIDE[1]}
        self._burning: set[int | None] = set()  # users whose CO2 has arrays of its own

    def add(self, source: _Source, label: str, values: FloatArray) -> None:
        name = source.name.format(label)
        key = (source.extension, self._names.setdefault(name.casefold(), name), source.unit)
        if key == CARBON_DIOXIDE and values.any():
            header = source.headers[0]
            if header in BURNT_TOO:
                if source.final in self._burning:
                    self.left_out[header] = self.left_out.get(header, 0.0) + float(values.sum())
                    return
            elif not header.startswith("EMI_"):
                self._burning.add(source.final)
            elif self.combustion is None:
                self.combustion = self.sums.get(key)
        self.sums[key] = self.sums[key] + values if key in self.sums else values

    def result(self) -> tuple[dict[tuple[str, str, str], FloatArray], list[str]]:
        notes = []
        if self.combustion is not None:
            total, burnt = float(self.sums[CARBON_DIOXIDE].sum()), float(self.combustion.sum())
            self.sums[EMISSIONS, "combustion CO2", "Mt"] = self.combustion
            notes.append(
                f"CO2 is that of combustion ({burnt:.6g} Mt, also as 'combustion CO2') and of "
                f"processes ({total - burnt:.6g} Mt)."
            )
        if self.left_out:
            notes.append(
                f"CO2 in {' and '.join(self.left_out)} ({sum(self.left_out.values()):.6g} Mt) is "
                "left out: MDF and others have that of combustion."
            )
        return self.sums, notes


def _by_stressor(
    source: _Source, array: Array, accounts: Accounts, makers: Makers
) -> Iterator[tuple[str, FloatArray]]:
    """Yield the gas (or the fuel) and the values (U, R)."""
    if array.values.ndim != len(source.dimensions):
        raise FormatError.about(
            array.where,
            expected=f"{len(source.dimensions)} dimensions",
            got=str(array.values.ndim),
            remedy="take all files from one release of GTAP",
        )
    summed = tuple(at for at, one in enumerate(source.dimensions) if one == "o")
    kept = [at for at, one in enumerate(source.dimensions) if one != "o"]
    values = array.values.sum(axis=summed)
    named = source.dimensions[kept[0]] in "gf"
    regions = accounts.regions.positions(array, kept[-1])
    users = (
        _users(array, kept[-2], accounts, makers)
        if source.final is None
        else [len(accounts.activities) + source.final]
    )
    for at, label in enumerate(array.labels[kept[0]] if named else ("",)):
        one = values[at] if named else values
        whole = np.zeros((len(accounts.activities) + len(FINAL), len(accounts.regions)))
        np.add.at(whole, np.ix_(users, regions), one.reshape(len(users), len(regions)))
        yield label, whole


def _users(array: Array, dimension: int, accounts: Accounts, makers: Makers) -> list[int]:
    """Return where users are: activities, or what they make, or final users."""
    first = len(accounts.activities)
    places = {label: first + at for label, at in FINAL_USERS.items()}
    if accounts.investment:
        places[accounts.investment.casefold()] = first + INVESTMENT
    if makers.shares is None:
        places |= accounts.commodities.places
    places |= accounts.activities.places
    labels = [label.casefold() for label in array.labels[dimension]]
    if unknown := [label for label in labels if label not in places]:
        raise FormatError.about(
            array.where,
            expected="users that are activities of the accounts, or final ones",
            got=shorten(unknown),
            remedy="take all files from one aggregation of GTAP",
        )
    return [places[label] for label in labels]


def _reader(
    values: Sequence[FloatArray], accounts: Accounts, makers: Makers, where: str
) -> Callable[[list[int]], tuple[FloatArray, FloatArray | None]]:
    activities = len(accounts.activities)

    def read(chosen: list[int]) -> tuple[FloatArray, FloatArray | None]:
        firms = np.stack([values[at][:activities] for at in chosen])  # (k, A, R)
        columns = [makers.columns(firms[:, :, r], r) for r in range(firms.shape[2])]
        F = np.concatenate(columns, axis=1)
        lost = np.abs(F.sum(axis=1) - firms.sum(axis=(1, 2))) > 1e-9 * np.abs(firms).sum(
            axis=(1, 2)
        )
        if lost.any():
            raise FormatError.about(
                where,
                expected="output of every activity that emits (MAKB)",
                got="emissions of one without",
                remedy="take all files from one aggregation of GTAP",
            )
        F_Y = np.stack([values[at][activities:].T.ravel() for at in chosen])
        return F, F_Y

    return read
