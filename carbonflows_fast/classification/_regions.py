"""Countries and groups of them, and which regions of a table they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any

from carbonflows_fast.classification._files import field, label_key, records
from carbonflows_fast.classification._groups import group_called, region_groups
from carbonflows_fast.errors import InputError, LabelError, nearest_are, shorten

__all__ = ["country_of", "one_region", "regions_in", "renamed_regions"]

REST = "rest of the world"
OF_REST = frozenset({REST, "rest of world", "row"})


@cache
def _countries() -> dict[str, str]:
    """Return ISO 3166 alpha-3 by key: codes first, then names, then aliases."""
    found: dict[str, str] = {}
    for column in ("iso3", "iso2", "name", "aliases"):
        for row in records("regions"):
            for text in field(row, column).split("|"):
                found.setdefault(label_key(text), row["iso3"])
    found.pop("", None)
    return found


@cache
def _rests() -> tuple[tuple[str, str, str], ...]:
    """Return database, code and name of regions that are the rest of the world, or of a part."""
    return tuple((row["database"], row["code"], row["name"]) for row in records("rests_of_world"))


@cache
def _ambiguous() -> dict[str, tuple[str, ...]]:
    """Return what a name may mean by key: countries as alpha-3, or labels of some tables."""
    rows = records("ambiguous_regions")
    return {label_key(row["name"]): tuple(row["candidates"].split("|")) for row in rows}


def country_of(label: str) -> str | None:
    """Return the country that a code or name means, as ISO 3166 alpha-3.

    Parameters
    ----------
    label : str
        Alpha-2, alpha-3, a name or an alias (including database codes such as "ROM" or "UK").
        Letter case does not matter.

    Returns
    -------
    str or None
        None if it is no country. "WF" by itself is Wallis and Futuna; in a table of EXIOBASE it is
        the rest of Africa, which `regions_in` knows.

    Examples
    --------
    >>> country_of("Turkey"), country_of("rom"), country_of("RoW")
    ('TUR', 'ROU', None)
    """
    return _countries().get(label_key(label))


def regions_in(
    regions: Sequence[str], wanted: Any, argument: str = "regions", *, year: int | None = None
) -> tuple[bool, ...]:
    """Return which regions of a table a name means.

    Parameters
    ----------
    regions : sequence of str
        The table's region labels, codes or names.
    wanted : str, or list, tuple or set of str
        A label of the table; a group ("EU27", "EU ETS 2009", "Annex I"); a country by alpha-2,
        alpha-3, name or alias; or "rest of the world". Labels of the table take precedence. Several
        names give their union. Members of a group without a region in the table (because they are
        in a rest of the world) are left out.
    argument : str
        The argument's name in errors.
    year : int, optional
        The table's year, which decides the membership of "EU".

    Returns
    -------
    tuple of bool
        One for each region.

    Raises
    ------
    LabelError
        If a name is unknown or means two countries; if the table has no region for a country, or
        for any member of a group.
    InputError
        If `wanted` is empty.

    Examples
    --------
    >>> regions_in(["DEU", "ROM", "USA", "RoW"], "EU27")
    (True, True, False, False)
    >>> regions_in(["DEU", "ROM", "USA", "RoW"], ["RoW", "Germany"])
    (True, False, False, True)
    """
    items = [*wanted] if isinstance(wanted, list | tuple | set | frozenset) else [wanted]
    if isinstance(wanted, set | frozenset):  # no order of its own, but an error must be the same
        items.sort(key=str)
    if not items:
        raise InputError.about(
            argument,
            expected="at least one region or group",
            got="none",
            remedy="give e.g. 'EU27'",
        )
    names = tuple(regions)
    countries = _table_countries(names)
    chosen = [_meant(names, countries, item, argument, year) for item in items]
    return tuple(any(column) for column in zip(*chosen, strict=True))


def one_region(
    regions: Sequence[str], wanted: Any, argument: str = "region", *, year: int | None = None
) -> str:
    """Return the label of the one region that a name means.

    Parameters
    ----------
    regions, wanted, argument, year
        The arguments of `regions_in`, but `wanted` is one name, not a list.

    Returns
    -------
    str

    Raises
    ------
    LabelError
        If the name is unknown, not in the table, or means several regions.

    Examples
    --------
    >>> one_region(["DEU", "ROM"], "Germany")
    'DEU'
    """
    names = tuple(regions)
    mask = _meant(names, _table_countries(names), wanted, argument, year)
    found = [name for name, here in zip(names, mask, strict=True) if here]
    if len(found) > 1:
        raise LabelError.about(
            argument,
            expected="one region",
            got=f"{wanted!r}, which is {len(found)} of them",
            remedy=f"choose from {shorten(map(repr, found))}",
        )
    return found[0]


def renamed_regions(
    regions: Sequence[str], names: Mapping[str, Any], *, year: int | None = None
) -> dict[str, Any]:
    """Return the new name of each region that gets one.

    Parameters
    ----------
    regions : sequence of str
        The table's region labels.
    names : mapping
        From any name that `regions_in` knows to a new name. Labels of the table take precedence
        over countries, countries over their groups, and later groups over earlier ones.
    year : int, optional
        The table's.

    Returns
    -------
    dict
        From label to new name, for the regions in `names` only.

    Raises
    ------
    LabelError
        If a key is unknown.

    Examples
    --------
    >>> renamed_regions(["DEU", "ROM", "GBR", "USA"], {"EU27": "EU", "GBR": "UK"})
    {'DEU': 'EU', 'ROM': 'EU', 'GBR': 'UK'}
    """
    labels = tuple(regions)
    found: dict[str, Any] = {}
    rank = {key: 2 if key in labels else int(not _is_group(key, year)) for key in names}
    for key in sorted(names, key=rank.__getitem__):  # stable: groups first, labels last
        chosen = regions_in(labels, key, year=year)
        found |= {label: names[key] for label, here in zip(labels, chosen, strict=True) if here}
    return found


def _is_group(key: Any, year: int | None) -> bool:
    if not isinstance(key, str):
        return False
    return label_key(key) in OF_REST or group_called(key, "regions", year) is not None


def _table_countries(regions: tuple[str, ...]) -> tuple[str | None, ...]:
    """Return the country of each region; a rest of the world is none."""
    rests = _rests_in(regions)
    return tuple(None if region in rests else country_of(region) for region in regions)


def _rests_in(regions: tuple[str, ...]) -> dict[str, str]:
    """Return the name of each region that is the rest of the world, or of a part of it.

    A database that has several has them all: WF alone is Wallis and Futuna, as in ISO 3166.
    """
    found: dict[str, str] = {}
    for database in dict.fromkeys(row[0] for row in _rests()):
        here = {code: name for of, code, name in _rests() if of == database and code in regions}
        several = sum(row[0] == database for row in _rests()) > 1
        if len(here) > several:
            found |= here
    named = {region: REST for region in regions if label_key(region) in OF_REST}
    return named | found


def _meant(
    regions: tuple[str, ...],
    countries: tuple[str | None, ...],
    item: Any,
    argument: str,
    year: int | None,
) -> tuple[bool, ...]:
    """Return which regions one item means."""
    if not isinstance(item, str):
        raise _unknown(regions, countries, item, argument)
    if item in regions:
        return tuple(region == item for region in regions)
    key = label_key(item)
    if key in map(label_key, regions):
        return tuple(label_key(region) == key for region in regions)
    rests = _rests_in(regions)
    if rests and (key in OF_REST or key in map(label_key, rests.values())):
        return tuple(
            region in rests and (key in OF_REST or label_key(rests[region]) == key)
            for region in regions
        )
    group = group_called(item, argument, year)
    _refuse_ambiguous(regions, item, argument)
    country = country_of(item)
    if group is None and country is None:
        raise _unknown(regions, countries, item, argument)
    members = frozenset({country}) if group is None else group[1]
    mask = tuple(region in members for region in countries)
    if not any(mask):
        what = f"the group {group[0]!r}" if group else f"the country {item!r} ({country})"
        raise LabelError.about(
            argument,
            expected="a country that the table has, or a group with such a country",
            got=f"{what}, of which it has no region of its own",
            remedy=f"the table's regions are {shorten(map(repr, regions))}",
        )
    return mask


def _unknown(
    regions: tuple[str, ...], countries: tuple[str | None, ...], item: Any, argument: str
) -> LabelError:
    names = [row["name"] for row in records("regions") if row["iso3"] in countries]
    remedy = f"give a name, e.g. {shorten(map(repr, regions))}"  # a number is not a misspelt name
    if isinstance(item, str):
        groups = get_close_matches(item, ["EU", *region_groups()])  # no group for a mere typo
        remedy = nearest_are(item, [*regions, *names, *groups])
    return LabelError.about(
        argument,
        expected="a region of the table, a country or a group of countries",
        got=repr(item),
        remedy=remedy,
    )


def _refuse_ambiguous(regions: tuple[str, ...], item: str, argument: str) -> None:
    """Complain about a name that two countries share, or a country and a region of the table."""
    candidates = _ambiguous().get(label_key(item))
    if candidates is None:
        return
    names = {row["iso3"]: row["name"] for row in records("regions")}
    possible = [one for one in candidates if one in names or one in regions]
    if len(possible) < 2:
        return
    texts = [f"{names[one]} ({one})" if one in names else f"the region {one!r}" for one in possible]
    raise LabelError.about(
        argument,
        expected="the name of one country",
        got=f"{item!r}, which may be {' or '.join(texts)}",
        remedy=f"write {' or '.join(map(repr, possible))}",
    )
