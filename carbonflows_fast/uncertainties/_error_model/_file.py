"""Errors in a file: TOML that people write, and what is wrong in it by file and key."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from typing import Any

from carbonflows_fast._base.arguments import real
from carbonflows_fast.errors import InputError, nearest_are
from carbonflows_fast.table._table_argument import kind_of
from carbonflows_fast.uncertainties._error_model._forms import LARGEST, BySize

__all__ = ["parts_of"]

SOURCES = ("Z", "Y", "F", "F_Y")
EVERY_REGION = "*"
BY_SIZE = "by_size"
DISTRIBUTION = "distribution"
LARGEST_FILE = 10_000_000
"""Bytes; what people write is far smaller."""


def parts_of(given: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return arguments of `Errors` without `shared`, and those of each `SharedError`.

    Raises
    ------
    InputError
        Naming file and key, what was expected and found, and what to do.
    """
    if not isinstance(given, str | os.PathLike):
        raise InputError.about(
            "path",
            expected="the path of a TOML file",
            got=kind_of(given),
            remedy="give e.g. 'errors.toml'",
        )
    path = os.fspath(given)
    found = _toml(path)
    _known_keys(path, "", found, (*SOURCES, "shared", DISTRIBUTION))
    distribution = found.pop(DISTRIBUTION, None)
    shared = found.pop("shared", [])
    if not isinstance(shared, list) or not all(isinstance(one, dict) for one in shared):
        raise _wrong(path, "shared", "tables", _kind(shared), "head each with [[shared]]")
    if not found and not shared:
        raise InputError.about(
            path,
            expected="errors of Z, Y, F or F_Y, or shared ones",
            got="none",
            remedy="write e.g. Z = 0.1 for 10 %",
        )
    own = {source: _form(path, source, value, signed=False) for source, value in found.items()}
    if distribution is not None:
        own[DISTRIBUTION] = distribution
    names: list[str] = []
    for at, one in enumerate(shared, start=1):
        place = f"shared {at}"
        _known_keys(path, place, one, ("name", "sd", *SOURCES))
        _check_shared(path, place, one)
        if one["name"] in names:
            raise _wrong(
                path,
                f"{place}.name",
                "a name of its own",
                repr(one["name"]),
                f"rename it, or shared {names.index(one['name']) + 1}",
            )
        names.append(one["name"])
        for source in SOURCES:
            if source in one:
                one[source] = _form(path, f"{place}.{source}", one[source], signed=True)
    return own, shared


def _toml(path: str) -> dict[str, Any]:
    text = ""
    if path.lower().endswith((".csv", ".tsv", ".xlsx")):
        raise InputError.about(
            path,
            expected="a TOML file",
            got="a sheet",
            remedy="write lines such as Z.trade = 0.2 to a file errors.toml",
        )
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise InputError.about(
                path,
                expected="a TOML file of at most 10 MB",
                got="a larger one",
                remedy="give numbers for every cell as arrays, by cf.Errors(Z=…) in Python",
            )
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
        return tomllib.loads(text)
    except InputError:  # a ValueError too
        raise
    except OSError as error:
        raise InputError.about(
            path,
            expected="a TOML file with errors",
            got=error.strerror or str(error),
            remedy="check the path",
        ) from error
    except UnicodeDecodeError as error:
        raise InputError.about(
            path,
            expected="a TOML file in UTF-8",
            got=f"another encoding, in line {_line(error.object[: error.start])}",
            remedy="save it as UTF-8",
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError.about(
            path,
            expected="TOML",
            got=f"what is none{_reason(error, text)}",
            remedy="write a key once, with a number or with labels, e.g. Z = 0.1, and quote labels "
            'with blanks, as in F = { "Basic metals" = 0.2 }',
        ) from error


def _line(before: bytes) -> int:
    return 1 + before.count(b"\n")


def _reason(error: Exception, text: str) -> str:
    """Say where a text is no TOML, and why: the place first, however long the reason."""
    reason, _, place = " ".join(str(error).split()).rpartition(" (at ")
    if not reason:  # Python's own, about a number of thousands of digits
        return f": {place}"[:200]
    place = place.removesuffix(")")
    if place == "end of document":
        place = f"the end, line {_line(text.rstrip().encode())}"
    return f" at {place}: {reason}"[:200]


def _known_keys(path: str, place: str, found: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in found:
        if key not in known:
            *others, last = known
            expected = f"{', '.join(others)} or {last}"
            raise InputError.about(
                f"{path}, {place}" if place else path,
                expected=expected,
                got=f"the key {key!r}"[:200],
                remedy=nearest_are(key, known),
            )


def _check_shared(path: str, place: str, one: Mapping[str, Any]) -> None:
    """See that a shared error has a name, a deviation, and something to move."""
    name = one.get("name")
    if not isinstance(name, str) or not name.strip() or name in SOURCES:
        got = "nothing" if name is None else repr(name)[:60]
        raise _wrong(
            path,
            f"{place}.name",
            "text other than Z, Y, F and F_Y",
            got,
            'say what the error is of, e.g. name = "emission factor of steel"',
        )
    if "sd" not in one:
        raise _wrong(
            path, f"{place}.sd", "its standard deviation", "nothing", "write e.g. sd = 0.1"
        )
    _number(path, f"{place}.sd", one["sd"], signed=False)
    if not any(source in one for source in SOURCES):
        raise _wrong(
            path, place, "loadings of Z, Y, F or F_Y", "none", "choose what it moves, e.g. F = 1.0"
        )


# --- numbers and tables of them -----------------------------------------------------------------


def _form(path: str, key: str, value: Any, *, signed: bool) -> Any:
    """Return a number, a law, or numbers and laws by label or by pair of labels."""
    if not isinstance(value, dict):
        return _number(path, key, value, signed=signed)
    if BY_SIZE in value:
        return _law(path, key, value)
    _not_empty(path, key, value)
    found: dict[Any, Any] = {}
    for label, inner in value.items():
        if not isinstance(inner, dict) or BY_SIZE in inner:
            if label == EVERY_REGION:
                raise _wrong(
                    path,
                    key,
                    "a label, or * beside one",
                    "* alone",
                    "write one number for all, e.g. Z = 0.1",
                )
            found[label] = _form(path, f"{key}.{label}", inner, signed=signed)
            continue
        _not_empty(path, f"{key}.{label}", inner)
        for second, one in inner.items():
            pair = tuple(None if part == EVERY_REGION else part for part in (label, second))
            place = f"{key}.{label}.{second}"
            if pair == (None, None) or (isinstance(one, dict) and BY_SIZE not in one):
                got = "* for both" if pair == (None, None) else "a third level of labels"
                raise _wrong(
                    path,
                    place,
                    "two labels at most, one of them no *",
                    got,
                    "write e.g. F.CO2.Steel = 0.2",
                )
            found[pair] = _form(path, place, one, signed=signed)
    return found


def _not_empty(path: str, key: str, value: Mapping[str, Any]) -> None:
    if not value:
        raise _wrong(
            path,
            key,
            "a number, or numbers by label",
            "an empty table",
            "name a label, or leave the key out for no error",
        )


def _law(path: str, key: str, value: Mapping[str, Any]) -> BySize:
    place, given = f"{key}.{BY_SIZE}", value[BY_SIZE]
    others = [name for name in value if name != BY_SIZE]
    if others:
        raise _wrong(
            path,
            key,
            f"{BY_SIZE} alone, or labels",
            f"{BY_SIZE} and {others[0]!r}",
            f"write {BY_SIZE} for each label",
        )
    if not isinstance(given, dict) or not {"a", "b"} <= given.keys():
        raise _wrong(
            path,
            place,
            "a and b",
            _kind(given),
            "write e.g. by_size = { a = 0.4, b = -0.2, at_most = 1.0 }",
        )
    _known_keys(path, place, given, ("a", "b", "at_most"))
    for name in ("a", "at_most"):
        if name in given:
            _number(path, f"{place}.{name}", given[name], signed=False)
    if not abs(real(given["b"])) <= 10.0:
        raise _wrong(
            path,
            f"{place}.b",
            "an exponent from −10 to 10",
            _kind(given["b"]),
            "write e.g. b = -0.2, so that larger cells are surer",
        )
    return BySize(**given)


def _number(path: str, key: str, value: Any, *, signed: bool) -> float:
    number = real(value)
    if abs(number) <= LARGEST and (signed or number >= 0.0):
        return number
    least = "−1e6" if signed else "0"
    raise _wrong(
        path, key, f"a relative number from {least} to 1e6", _kind(value), "write e.g. 0.1 for 10 %"
    )


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return f"a table with {', '.join(map(repr, value)) or 'nothing'}"[:100]
    return f"a list of {len(value)}" if isinstance(value, list) else repr(value)[:60]


def _wrong(path: str, key: str, expected: str, got: str, remedy: str) -> InputError:
    return InputError.about(f"{path}, {key}", expected=expected, got=got, remedy=remedy)
