"""Every public name says what it is, takes, returns and raises, and shows an example.

That the examples run is for `test_examples.py` and `test_docs.py` to see.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import carbonflows_fast as cf

ROOT = Path(__file__).parents[2]
MODULES = {"": cf, "classification.": cf.classification, "figures.": cf.figures,
           "readers.": cf.readers, "synthetic.": cf.synthetic}  # fmt: skip

# What computes says by which equation, where that is from, and in which unit the answer is.
COMPUTES = {
    "Flows.bilateral_trade", "LeontiefSystem.solve", "LeontiefSystem.solve_adjoint", "accounts",
    "carbon_price", "check", "classification.characterisation", "decompose_years", "difference",
    "elasticities", "enabled", "extraction", "factors", "flows", "responsibility",
    "footprints", "from_supply_use", "multipliers", "national", "production_layers",
    "purchases", "sector_betweenness",
    "sector_study",
    "structural_decomposition", "structural_path_decomposition",
    "structural_paths", "synthetic.world", "transaction_betweenness", "uncertainty",
}  # fmt: skip

# Functions with parameters that accept whatever they are given.
NEVER_RAISE = {
    "classification.country_of", "classification.membership_note", "classification.system_of"
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Public:
    """Something that users may call or read, and its docstring."""

    name: str
    thing: Any
    doc: str

    @property
    def is_member(self) -> bool:
        return self.name.rpartition(".")[0] not in {key.rstrip(".") for key in MODULES}

    @property
    def is_class(self) -> bool:
        return inspect.isclass(self.thing)

    @property
    def parameters(self) -> list[str]:
        """Names of the parameters that a caller gives; of a class, where callers make one."""
        if self.is_class and "Parameters" not in self.sections:
            return []
        if not (self.is_class or inspect.isfunction(self.thing)):
            return []
        found = inspect.signature(self.thing).parameters.values()
        stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
        return [stars.get(p.kind, "") + p.name for p in found if p.name not in ("self", "cls")]

    @property
    def fields(self) -> list[str]:
        """What an object of the class holds, for everybody to read."""
        if not (self.is_class and dataclasses.is_dataclass(self.thing)):
            return []
        return [f.name for f in dataclasses.fields(self.thing) if not f.name.startswith("_")]

    @functools.cached_property
    def sections(self) -> dict[str, str]:
        """Texts of the docstring by heading; the first, without one, is "Summary"."""
        parts = re.split(r"^([A-Z][A-Za-z ]+)\n-{3,}$", self.doc, flags=re.MULTILINE)
        return {"Summary": parts[0]} | dict(zip(parts[1::2], parts[2::2], strict=True))


def members(name: str, thing: type) -> Iterator[Public]:
    """Methods and properties of a class, those of its bases in this package included."""
    for base in thing.__mro__:
        if not base.__module__.startswith("carbonflows_fast"):
            continue
        for key, value in vars(base).items():
            if key.startswith("_"):
                continue
            if isinstance(value, property | functools.cached_property):
                yield Public(f"{name}.{key}", value, inspect.cleandoc(value.__doc__ or ""))
            elif inspect.isfunction(value) or isinstance(value, classmethod | staticmethod):
                function = inspect.unwrap(getattr(value, "__func__", value))
                yield Public(f"{name}.{key}", function, inspect.cleandoc(function.__doc__ or ""))


def public() -> Iterator[Public]:
    for prefix, module in MODULES.items():
        for key in module.__all__:
            thing = getattr(module, key)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                yield Public(prefix + key, thing, inspect.cleandoc(thing.__doc__ or ""))
            if inspect.isclass(thing):
                yield from members(prefix + key, thing)


def entries(section: str) -> dict[str, str]:
    """Type and text of each name in a section of parameters or attributes."""
    found = {}
    for block in re.split(r"^(?=\S)", section, flags=re.MULTILINE):
        head, _, text = block.strip().partition("\n")
        names, _, kind = head.partition(" : ")
        found |= {name.strip(): f"{kind}\n{text}" for name in names.split(",")}
    return found


@functools.cache
def shown() -> str:
    """The source of every example in docstrings, the README and docs/."""
    files = [*Path(cf.__file__).parent.rglob("*.py"), ROOT / "README.md"]
    texts = [path.read_text(encoding="utf-8") for path in [*files, *ROOT.glob("docs/**/*.md")]]
    return "\n".join(re.findall(r"^ *(?:>>>|\.\.\.) (.*)", "\n".join(texts), re.MULTILINE))


def missing(one: Public) -> list[str]:
    """What the docstring of a public name lacks."""
    lacks, sections = [], one.sections
    if not re.match(r"\S[^\n]*(\n\S[^\n]*)*[.:]$", sections["Summary"].split("\n\n")[0].strip()):
        lacks.append("a summary that ends with a full stop")
    told = entries(sections.get("Parameters", ""))
    lacks += [f"the parameter {name}" for name in one.parameters if name not in told]
    held = entries(sections.get("Attributes", ""))
    lacks += [f"the attribute {name}" for name in one.fields if name not in held]
    named = told | held
    lacks += [
        f"the shape of {name}"
        for name, text in named.items()
        if re.match(r"(.*\W)?(nd)?array\b", text) and not re.search(r"shape|\(\w+, ?\w*\)", text)
    ]
    if inspect.isfunction(one.thing):
        annotation = inspect.signature(one.thing).return_annotation
        says = one.doc.startswith("Return") if one.is_member else False
        if annotation not in (None, "None") and "Returns" not in sections and not says:
            lacks.append("Returns")
        raises = bool(re.search(r"\braise\b", inspect.getsource(one.thing)))
        takes = bool(one.parameters) and not one.is_member and one.name not in NEVER_RAISE
        if (raises or takes) and "Raises" not in sections:
            lacks.append("Raises")
    if one.is_member:
        key = one.name.rpartition(".")[2]
        if not re.search(rf"\.{key}\b", shown()):
            lacks.append("an example of its use, here or in docs/")
    elif not re.search(r"^ *>>> (?!.*\+SKIP)", sections.get("Examples", ""), re.MULTILINE):
        lacks.append("Examples that run")
    if one.name in COMPUTES:
        text = "".join(body for head, body in sections.items() if head != "Examples")
        lacks += [] if re.search(r"\S = \S", text) else ["an equation"]
        lacks += [] if re.search(r"Source: .*\d{4}", text, re.DOTALL) else ["a source"]
        lacks += [] if re.search(r"\bunits?\b|plain number", text) else ["units"]
    return lacks


@pytest.mark.parametrize("one", list(public()), ids=lambda one: one.name)
def test_says_all_that_it_should(one: Public) -> None:
    lacks = missing(one)
    assert not lacks, f"the docstring of {one.name} lacks {'; '.join(lacks)}"


def test_what_computes_is_public() -> None:
    assert {one.name for one in public()} >= COMPUTES | NEVER_RAISE


def halve(x, threads=1):  # type: ignore[no-untyped-def]
    """Halve x

    Parameters
    ----------
    x : ndarray
    """
    if threads < 1:
        raise ValueError("threads")
    return x / 2


def test_what_is_missing_is_found() -> None:
    assert missing(Public("halve", halve, inspect.cleandoc(halve.__doc__ or ""))) == [
        "a summary that ends with a full stop", "the parameter threads", "the shape of x",
        "Returns", "Raises", "Examples that run",
    ]  # fmt: skip
    assert "an example of its use, here or in docs/" in missing(
        Public("Table.nobody_uses_this", halve, "Return nothing.")
    )
