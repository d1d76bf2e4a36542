"""Classes of sectors, and the sectors that stand for a study's subject."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from carbonflows_fast.classification._files import field, label_key, records
from carbonflows_fast.errors import InputError, LabelError, nearest, shorten, wrong

__all__ = ["CLASSES", "STUDIES", "sector_classes", "study_sectors", "system_of"]

CLASSES = ("energy", "commodity", "product", "service")
STUDIES = ("steel", "aluminium", "automotive", "clothing", "cotton")
SYSTEMS = ("exiobase3_pxp", "exiobase3_ixi", "wiod2013")


def _row_keys(row: Any) -> list[str]:
    """Return every key by which a sector may be named."""
    texts = [field(row, "name"), field(row, "code"), *field(row, "aliases").split("|")]
    return [label_key(text) for text in texts if text.strip()]


@cache
def _rows_by_key(system: str) -> dict[str, dict[str, str]]:
    return {key: row for row in records(system) for key in _row_keys(row)}


def _best_system(sectors: Iterable[str]) -> tuple[str, list[str]]:
    """Return the first system that knows most of the sectors, and those that it lacks."""
    distinct = list(dict.fromkeys(sectors))
    # WIOD has codes of one letter; so have other classifications, with other meanings, and toys.
    if all(len(label_key(sector)) == 1 for sector in distinct):
        return SYSTEMS[0], distinct
    lacking = {
        system: [s for s in distinct if label_key(s) not in _rows_by_key(system)]
        for system in SYSTEMS
    }
    return min(lacking.items(), key=lambda item: len(item[1]))


def system_of(sectors: Sequence[str]) -> str | None:
    """Return the shipped system that all these sectors belong to.

    Parameters
    ----------
    sectors : sequence of str
        Names, aliases or codes; letter case and runs of blanks do not count. They may be a part
        of the system, but not codes of one letter alone, which many systems have.

    Returns
    -------
    str or None
        "exiobase3_pxp", "exiobase3_ixi" or "wiod2013", the first that has them all; None where
        none has.

    Examples
    --------
    >>> system_of(["Cultivation of wheat", "Construction (45)"])
    'exiobase3_ixi'
    >>> system_of(["Wheat", "Moon dust"]) is None
    True
    """
    if not len(sectors):
        return None
    system, lacking = _best_system(sectors)
    return None if lacking else system


# --- classes --------------------------------------------------------------------------------


def sector_classes(sectors: Sequence[str], classes: Any = None) -> tuple[str, ...]:
    """Return the class of each sector: energy, commodity, product or service.

    Parameters
    ----------
    sectors : sequence of str
        Sector labels, in any number and order.
    classes : str, mapping sector → class, or DataFrame, optional
        None: the shipped classes of the system that `system_of` finds. The name of a shipped
        system. Classes of one's own; a DataFrame has the column class and name or code, as an
        edited `load("wiod2013")` has.

    Returns
    -------
    tuple of str
        One of `CLASSES` for each sector.

    Raises
    ------
    LabelError
        If sectors have no class; all are counted, the first are named. If no shipped system has
        the name given.
    InputError
        If a class is not one of `CLASSES`, if a sector has two, or if `classes` is something else.

    Notes
    -----
    The shipped classes are a judgement, with its reason beside each. They tell what is sold, not
    who made it.

    Examples
    --------
    >>> sector_classes(["Mining and Quarrying", "Construction", "Textiles and Textile Products"])
    ('energy', 'service', 'product')
    >>> sector_classes(["a", "b"], {"a": "energy", "b": "product"})
    ('energy', 'product')
    """
    if classes is None:
        classes, lacking = _best_system(sectors)
        if lacking:
            none_known = len(lacking) == len(set(sectors))
            comment = f"in {classes}, the nearest" if not none_known else "in any shipped system"
            raise _without_class(lacking, comment)
    class_of = _class_of(classes)
    lacking = [s for s in dict.fromkeys(sectors) if label_key(s) not in class_of]
    if lacking:
        raise _without_class(lacking, "in those given")
    return tuple(class_of[label_key(sector)] for sector in sectors)


def _without_class(sectors: list[str], where: str) -> LabelError:
    return LabelError(
        wrong(
            "classes",
            expected="a class for every sector",
            got=f"none for {len(sectors)} of them {where}: {shorten(map(repr, sectors))}",
            remedy=f"give classes={{sector: class}}, each one of {', '.join(CLASSES)}, or a "
            "DataFrame with the columns name and class",
        )
    )


def _class_of(classes: Any) -> dict[str, str]:
    """Return the class by key, each being checked."""
    found: dict[str, str] = {}
    for key, sector, given in _pairs(classes):
        if given not in CLASSES:
            raise InputError(
                wrong(
                    "classes",
                    expected=f"one of {', '.join(CLASSES)}",
                    got=f"{given!r} for {sector!r}",
                    remedy="spell it so",
                )
            )
        if found.setdefault(key, given) != given:
            raise InputError(
                wrong(
                    "classes",
                    expected="one class per sector (blanks and letter case do not count)",
                    got=f"{found[key]!r} and {given!r} for {sector!r}",
                    remedy="keep one of them",
                )
            )
    return found


def _pairs(classes: Any) -> list[tuple[str, str, Any]]:
    """Return (key, sector as given, class) of every form that `classes` may have."""
    if isinstance(classes, str):
        if classes not in SYSTEMS:
            raise LabelError(
                wrong(
                    "classes",
                    expected=f"one of the shipped {', '.join(SYSTEMS)}",
                    got=repr(classes),
                    remedy=f"the nearest is {nearest(classes, SYSTEMS, 1)[0]!r}; or give a mapping "
                    "sector → class",
                )
            )
        rows: Iterable[Any] = records(classes)
    elif isinstance(classes, Mapping):
        return [(label_key(sector), str(sector), given) for sector, given in classes.items()]
    elif "class" in getattr(classes, "columns", ()) and {"name", "code"} & {*classes.columns}:
        rows = classes.to_dict("records")
    else:
        what = getattr(classes, "columns", None)
        raise InputError(
            wrong(
                "classes",
                expected="a mapping sector → class, a DataFrame with the columns class and name "
                "or code, or the name of a shipped system",
                got=type(classes).__name__ if what is None else f"columns {shorten(what)}",
                remedy=f"edit e.g. classification.load({SYSTEMS[0]!r})",
            )
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
    """Return the sectors that stand for a study's subject, and how well they do.

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
        Those of `sectors` that belong to the study.
    notes : tuple of str
        For each: "exact" (nothing but the subject), "part" (a part of it) or "wider" (more than
        it), the label and what is in or out.

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
        raise LabelError(
            wrong(
                argument,
                expected=f"one of {', '.join(STUDIES)}",
                got=repr(study),
                remedy="choose one, or name the sectors themselves",
            )
        )
    system, lacking = _best_system(sectors)
    if lacking or not len(sectors):
        raise LabelError(
            wrong(
                argument,
                expected=f"a table with the sectors of {', '.join(SYSTEMS)}",
                got=f"{len(lacking)} sectors of none of them: {shorten(map(repr, lacking))}",
                remedy=f"name the sectors that are {study} instead",
            )
        )
    return _study_labels(study, system, sectors, argument)


def _study_labels(
    study: str, system: str, sectors: Sequence[str], argument: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    rows = {
        row["code"]: row
        for row in records("studies")
        if (row["system"], row["study"]) == (system, study)
    }
    code_of = {label: _rows_by_key(system)[label_key(label)]["code"] for label in sectors}
    # A part of the study would be another study, so all of its sectors must be there.
    absent = [code for code in rows if code not in code_of.values()]
    if absent:
        names = {row["code"]: row["name"] for row in records(system)}
        present = [label for label, code in code_of.items() if code in rows]
        rest = f"{shorten(map(repr, present))} alone" if present else "sectors that it has"
        raise LabelError(
            wrong(
                argument,
                expected=f"a table with all sectors of {study}",
                got=f"one without {shorten(repr(names[code]) for code in absent)}",
                remedy=f"name {rest} instead",
            )
        )
    labels = tuple(label for label, code in code_of.items() if code in rows)
    chosen = [(label, rows[code_of[label]]) for label in labels]
    return labels, tuple(f"{row['match']}: {label}: {row['note']}" for label, row in chosen)
