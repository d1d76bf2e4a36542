"""What the manifest of a saved table must hold: labels, facts, and the size of every array."""

from __future__ import annotations

import re
from collections.abc import Callable
from reprlib import repr as shown
from typing import Any

from carbonflows_fast.store._generations import (
    MANIFEST_BYTES,
    Damage,
    Generation,
    digest,
    parsed,
    read_small,
    require_version,
)

__all__ = ["ARRAYS", "CODE_FIELDS", "OPTIONAL", "TEXT_FIELDS", "manifest_in"]

TEXT_FIELDS = ("regions", "sectors", "categories", "stressors", "extensions", "stressor_units")
CODE_FIELDS = ("region_codes", "sector_codes", "demand_codes", "category_codes", "row_unit_codes")
# Arrays by name: the numbers in it, and its shape. n rows, m demand columns, k stressors,
# R regions, as many blocks as the tiles have (`starts` has one more); other lengths follow from
# the tiles.
ARRAYS: dict[str, tuple[str, tuple[str | int, ...]]] = {
    "x": ("<f8", ("n",)),
    "demand_codes": ("<i4", ("m",)),
    "category_codes": ("<i4", ("m",)),
    "region_codes": ("<i4", ("n",)),
    "sector_codes": ("<i4", ("n",)),
    "row_unit_codes": ("<i4", ("n",)),
    "Y": ("<f8", ("n", "m")),
    "emissions": ("<f8", ("k", "n")),
    "F_Y": ("<f8", ("k", "m")),
    "population": ("<f8", ("R",)),
    "starts": ("<i8", ("starts",)),
    "entries": ("<i8", ("blocks", "blocks", 4)),
    "order": ("<i8", ("n",)),
    "pivots": ("<i4", ("n",)),
    "factors": ("<f8", ("factors",)),
    "values": ("<f8", ("values",)),
    "masks": ("<u2", ("masks",)),
}
OPTIONAL = frozenset({"F_Y", "population", "order"})
BLANK_ALLOWED = ("extensions", "stressor_units", "row_units")
REPEATED = ("extensions", "stressor_units")  # one for each stressor; all others are distinct
CHECKSUM = re.compile(r"[0-9a-f]{64}")


def manifest_in(generation: Generation) -> dict[str, Any]:
    """Read the manifest of a generation.

    Raises
    ------
    StoreError
        If it is missing, differs from what was saved, or says what cannot be.
    """
    name = generation.manifest
    try:
        text = read_small(generation.folder / name, MANIFEST_BYTES)
        if digest(text) != generation.checksum:
            raise Damage(f"{name} differs from what was saved")
        manifest = parsed(text, name)
        require_version(generation.path, manifest, generation.version)
        _check(manifest, name)
    except Damage as what:
        raise generation.damaged(what) from what
    return manifest


def _check(manifest: dict[str, Any], name: str) -> None:
    for field, (expected, fits) in FIELDS.items():
        if field not in manifest and field in LATER_FIELDS:
            continue
        if field not in manifest:
            raise Damage(f"{name} has no {field!r}")
        if not fits(manifest[field]):
            got = shown(manifest[field])
            raise Damage(f"{field!r} of {name} is {got} instead of {expected}")
    unknown = manifest.keys() - FIELDS.keys() - {"format", "version"}
    if unknown:
        raise Damage(f"{name} has {shown(min(unknown))}, which is no field of a table")
    for field in (*TEXT_FIELDS, "row_units"):
        _check_texts(field, manifest[field], name)
    k = len(manifest["stressors"])
    for field in REPEATED:
        if len(manifest[field]) != k:
            found = len(manifest[field])
            raise Damage(f"{field!r} of {name} has {found} texts instead of one for each of {k}")
    files = manifest["files"]
    for array in ARRAYS:
        if array not in files and array not in OPTIONAL:
            raise Damage(f"'files' of {name} has no {array!r}")
    for array, record in files.items():
        if array not in ARRAYS or not _is_record(record):
            raise Damage(
                f"'files' of {name} has {shown(array)} with {shown(record)} instead of an array "
                "of a table with its bytes and digest"
            )


def _check_texts(field: str, texts: list[str], name: str) -> None:
    seen = set()
    for place, text in enumerate(texts):
        if not _is_text(text) or not (text.strip() or field in BLANK_ALLOWED):
            raise Damage(
                f"{field!r} of {name} has {shown(text)} at position {place} (counted from 0) "
                "instead of a text"
            )
        if field not in REPEATED and text in seen:
            raise Damage(f"{field!r} of {name} has {shown(text)} twice")
        seen.add(text)


def _is_text(value: Any) -> bool:
    """Whether it is a text of whole characters: pandas takes no half of a surrogate pair."""
    return isinstance(value, str) and not any(
        "\ud800" <= character <= "\udfff" for character in value
    )


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_record(record: Any) -> bool:
    return (
        isinstance(record, dict)
        and record.keys() == {"bytes", "blake2b"}
        and _is_whole(record["bytes"])
        and record["bytes"] >= 0
        and isinstance(record["blake2b"], str)
        and bool(CHECKSUM.fullmatch(record["blake2b"]))
    )


def _is_origin(origin: Any) -> bool:
    """Whether it is what `convert` notes of a source: its key, and stamps of files by name."""
    return origin is None or (
        isinstance(origin, dict)
        and origin.keys() == {"key", "shared", "files"}
        and isinstance(origin["key"], str)
        and all(
            isinstance(stamps, dict)
            and all(isinstance(s, list) and all(map(_is_whole, s)) for s in stamps.values())
            for stamps in (origin["shared"], origin["files"])
        )
    )


def _is_notes(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


LATER_FIELDS = frozenset({"notes"})  # tables saved before have none
FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "name": ("a text", _is_text),
    "notes": ("a list of texts", _is_notes),
    "year": ("a whole number or null", lambda value: value is None or _is_whole(value)),
    "emissions_kind": ("'F' or 'S'", lambda value: value in ("F", "S")),
    "nonnegative": ("true or false", lambda value: isinstance(value, bool)),
    **dict.fromkeys((*TEXT_FIELDS, "row_units"), ("a list of texts", _is_list)),
    "origin": ("null or what convert notes of a source", _is_origin),
    "files": ("a record for each array", lambda value: isinstance(value, dict)),
}
