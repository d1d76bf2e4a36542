"""Classes of sectors, and the sectors of each study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from carbonflows_fast.classification._files import field, label_key, records
from carbonflows_fast.errors import InputError, LabelError, Phrase, nearest, shorten

__all__ = ["CLASSES", "STUDIES", "sector_classes", "study_sectors", "system_of"]

CLASSES = ("energy", "commodity", "product", "service")
STUDIES = ("steel", "aluminium", "automotive", "clothing", "cotton")
SYSTEMS = (
    "exiobase3_pxp",
    "exiobase3_ixi",
    "wiod2013",
    "wiod2016",
    "figaro",
    "oecd2016",
    "oecd2018",
    "oecd2023",
    "oecd2025",
    "eora26",
    "gloria",
    "useeio411",
    "gtap",
)


def _row_keys(row: Any) -> list[str]:
    """Return every key by which a sector may be named."""
    texts = [field(row, "name"), field(row, "code"), *field(row, "aliases").split("|")]
    return [label_key(text) for text in texts if text.strip()]


@cache
def rows_by_key(system: str) -> dict[str, dict[str, str]]:
    return {key: row for row in records(system) for key in _row_keys(row)}


def best_systems(sectors: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the systems that know most of the sectors, and those that the first of them lacks."""
    keys = {sector: label_key(sector) for sector in sectors}
    # Several systems have codes of one letter, with other meanings; so have toys. The one row of
    # Eora26's discrepancy is called as the sum of anything is.
    if all(len(key) == 1 or key == "total" for key in keys.values()):
        return [SYSTEMS[0]], list(keys)
    lacking = {
        system: [sector for sector, key in keys.items() if key not in rows_by_key(system)]
        for system in SYSTEMS
    }
    fewest = min(map(len, lacking.values()))
    best = [system for system in SYSTEMS if len(lacking[system]) == fewest]
    return best, lacking[best[0]]


def _contradiction(sectors: Iterable[str], systems: Sequence[str]) -> str:
    """Return how systems that know all the sectors class one of them differently, or ""."""
    for sector in dict.fromkeys(sectors):
        of = {system: rows_by_key(system)[label_key(sector)]["class"] for system in systems}
        first = of[systems[0]]
        if other := next((system for system in systems if of[system] != first), None):
            return f"{sector!r} is {first} in {systems[0]} and {of[other]} in {other}"
    return ""


def system_of(sectors: Sequence[str]) -> str | None:
    """Return the shipped system that all these sectors belong to.

    Parameters
    ----------
    sectors : sequence of str
        Names, aliases or codes; letter case and repeated blanks do not matter. They may be a part
        of the system, but not only codes of one letter, which many systems have.

    Returns
    -------
    str or None
        One of the systems that the README of the classifications lists, the first that has them
        all. None if no system has them, or if several have them and give one different classes:
        "19" is leather in WIOD 2013 and fuel in the OECD's tables of 2018.

    Examples
    --------
    >>> system_of(["Cultivation of wheat", "Construction (45)"])
    'exiobase3_ixi'
    >>> system_of(["CPA_C24", "CPA_C25"])
    'figaro'
    >>> system_of(["Wheat", "Moon dust"]) is None and system_of(["19", "24"]) is None
    True
    """
    if not len(sectors):
        return None
    systems, lacking = best_systems(sectors)
    return None if lacking or _contradiction(sectors, systems) else systems[0]


# --- classes --------------------------------------------------------------------------------


def sector_classes(sectors: Sequence[str], classes: Any = None) -> tuple[str, ...]:
    """Return the class of each sector: energy, commodity, product or service.

    Parameters
    ----------
    sectors : sequence of str
        Sector labels, in any number and order.
    classes : str, mapping sector → class, or DataFrame, optional
        None: the shipped classes of the systems that have all the sectors. A text is the name of a
        shipped system. Otherwise your own classes: a mapping, or a DataFrame with the column class,
        and name or code, such as an edited `load("wiod2013")`.

    Returns
    -------
    tuple of str
        One of `CLASSES` for each sector.

    Raises
    ------
    LabelError
        If sectors have no class; the message gives their number and names the first. If several
        systems have all the sectors and give one different classes. If no shipped system has the
        name given.
    InputError
        If a class is not one of `CLASSES`, if a sector has two, or if `classes` is something else.

    Notes
    -----
    The shipped classes are a judgement, with a reason in each row. They say what is sold, not who
    made it.

    Examples
    --------
    >>> sector_classes(["Mining and Quarrying", "Construction", "Textiles and Textile Products"])
    ('energy', 'service', 'product')
    >>> sector_classes(["a", "b"], {"a": "energy", "b": "product"})
    ('energy', 'product')
    """
    if classes is None:
        systems, lacking = best_systems(sectors)
        if lacking:
            none_known = len(lacking) == len(set(sectors))
            where = f"in {systems[0]}, the nearest" if not none_known else "in any shipped system"
            raise _without_class(lacking, where)
        if contradiction := _contradiction(sectors, systems):
            raise LabelError.about(
                "classes",
                expected="sectors of one shipped system",
                got=f"those of {' and of '.join(systems)}, where {contradiction}",
                remedy=f"name the system that is meant, as classes={systems[0]!r}",
                typed="name the system that is meant, by --classes FILE, a copy of the "
                f"classification {systems[0]!r}",
            )
        classes = systems[0]
    class_of = _class_of(classes)
    lacking = [s for s in dict.fromkeys(sectors) if label_key(s) not in class_of]
    if lacking:
        raise _without_class(lacking, "in those given")
    return tuple(class_of[label_key(sector)] for sector in sectors)


def _without_class(sectors: list[str], where: str) -> LabelError:
    known = f"each one of {', '.join(CLASSES)}"
    return LabelError.about(
        "classes",
        expected="a class for every sector",
        got=f"none for {len(sectors)} of them {where}: {shorten(map(repr, sectors))}",
        remedy=f"give classes={{sector: class}}, {known}, or a DataFrame with the columns name "
        "and class",
        typed=f"give --classes FILE, {known}, or a CSV with the columns name and class",
    )


def _class_of(classes: Any) -> dict[str, str]:
    """Return the class by key, each being checked."""
    found: dict[str, str] = {}
    for key, sector, given in _pairs(classes):
        if given not in CLASSES:
            raise InputError.about(
                "classes",
                expected=f"one of {', '.join(CLASSES)}",
                got=f"{given!r} for {sector!r}",
                remedy="spell it so",
            )
        if found.setdefault(key, given) != given:
            raise InputError.about(
                "classes",
                expected="one class per sector (blanks and letter case do not count)",
                got=f"{found[key]!r} and {given!r} for {sector!r}",
                remedy="keep one of them",
            )
    return found


def _pairs(classes: Any) -> list[tuple[str, str, Any]]:
    """Return (key, sector as given, class) of every form that `classes` may have."""
    if isinstance(classes, str):
        if classes not in SYSTEMS:
            raise LabelError.about(
                "classes",
                expected=f"one of the shipped {', '.join(SYSTEMS)}",
                got=repr(classes),
                remedy=Phrase.in_python(
                    f"the nearest is {nearest(classes, SYSTEMS, 1)[0]!r}; or give a mapping "
                    "sector → class"
                ),
            )
        rows: Iterable[Any] = records(classes)
    elif isinstance(classes, Mapping):
        return [(label_key(sector), str(sector), given) for sector, given in classes.items()]
    elif "class" in getattr(classes, "columns", ()) and {"name", "code"} & {*classes.columns}:
        rows = classes.to_dict("records")
    else:
        what = getattr(classes, "columns", None)
        raise InputError.about(
            "classes",
            expected="a mapping sector → class, a DataFrame with the columns class and name "
            "or code, or the name of a shipped system",
            got=type(classes).__name__ if what is None else f"columns {shorten(what)}",
            remedy=f"edit e.g. classification.load({SYSTEMS[0]!r})",
        )
    return [
        (key, field(row, "name") or field(row, "code"), row["class"])
        for row in rows
        for key in _row_keys(row)
    ]


# --- studies --------------------------------------------------------------------------------


def study_sectors(
    study: str, sectors: Sequence[str], argument: str = "study"
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the sectors of a study, and how well they match its subject.

    Parameters
    ----------
    study : str
        One of `STUDIES`: the subjects of the Carbon Trust's sector reports.
    sectors : sequence of str
        A table's sector labels, of a system that `system_of` knows.
    argument : str
        The argument's name in errors.

    Returns
    -------
    labels : tuple of str
        The labels in `sectors` that belong to the study.
    notes : tuple of str
        For each label: "exact" (only the subject), "part" (a part of it) or "wider" (more than it),
        the label, and what is in or out.

    Raises
    ------
    LabelError
        If the study or the system is unknown, or if the table lacks a sector of the study.

    Examples
    --------
    >>> sectors = ["Construction", "Basic Metals and Fabricated Metal"]
    >>> labels, notes = study_sectors("steel", sectors)
    >>> labels
    ('Basic Metals and Fabricated Metal',)
    >>> notes[0][:70]
    'wider: Basic Metals and Fabricated Metal: Basic steel, but also alumin'
    """
    if study not in STUDIES:
        raise LabelError.about(
            argument,
            expected=f"one of {', '.join(STUDIES)}",
            got=repr(study),
            remedy="choose one, or name the sectors themselves",
        )
    systems, lacking = best_systems(sectors)
    if lacking or not len(sectors):
        raise LabelError.about(
            argument,
            expected=f"a table with the sectors of {', '.join(SYSTEMS)}",
            got=f"one with {len(lacking)} sector{'s' * (len(lacking) != 1)} of none of them: "
            f"{shorten(map(repr, lacking))}",
            remedy=f"name the sectors that are {study} instead",
        )
    rows_of = {system: _study_rows(study, system, sectors) for system in systems}
    if any([*rows] != [*rows_of[systems[0]]] for rows in rows_of.values()):
        raise LabelError.about(
            argument,
            expected="a table with the sectors of one shipped system",
            got=f"one with sectors of {' and of '.join(systems)}, where {study} differs",
            remedy=f"name the sectors that are {study} instead",
        )
    rows = rows_of[systems[0]]
    _require_all(study, systems[0], rows, argument)
    return tuple(rows), tuple(
        f"{row['match']}: {label}: {row['note']}" for label, row in rows.items()
    )


@cache
def _of_study(study: str, system: str) -> dict[str, dict[str, str]]:
    """Return the rows of studies.csv by code."""
    wanted = (system, study)
    return {
        row["code"]: row for row in records("studies") if (row["system"], row["study"]) == wanted
    }


def _study_rows(study: str, system: str, sectors: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the rows of studies.csv by the table's labels."""
    code_of = {label: rows_by_key(system)[label_key(label)]["code"] for label in sectors}
    rows = _of_study(study, system)
    return {label: rows[code] for label, code in code_of.items() if code in rows}


def _require_all(study: str, system: str, rows: dict[str, dict[str, str]], argument: str) -> None:
    """Refuse a table that lacks a sector of the study: a part of it would be another study."""
    present = {row["code"] for row in rows.values()}
    absent = [code for code in _of_study(study, system) if code not in present]
    if not absent:
        return
    names = {row["code"]: row["name"] for row in records(system)}
    rest = f"{shorten(map(repr, rows))} alone" if rows else "sectors that it has"
    raise LabelError.about(
        argument,
        expected=f"a table with all sectors of {study}",
        got=f"one without {shorten(repr(names[code]) for code in absent)}",
        remedy=f"name {rest} instead",
    )
