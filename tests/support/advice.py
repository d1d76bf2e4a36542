"""What errors advise: read from an error, and from the source of whatever raises it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import carbonflows_fast as cf

__all__ = ["Case", "advice_in", "advice_tests", "advised_by", "named", "python", "try_advice"]

PACKAGE = Path(cf.__file__).parent
NEAREST = "(?:nearest (?:is|are) .*|there is none)"


@dataclass(frozen=True)
class Case:
    """A mistake, what its error advises (as a pattern), and how that is done.

    `right` gets what the pattern's group caught, or the whole advice.
    """

    wrong: Callable[[], Any]
    advice: str
    right: Callable[[str], Any]


def named(text: str) -> list[str]:
    """The labels that an error quotes."""
    return re.findall(r"'([^']+)'", text)


def python(code: str, **known: Any) -> Any:
    """What a piece of code in an error gives."""
    import numpy as np

    return eval(code, {"cf": cf, "np": np, **known})


def try_advice(case: Case) -> None:
    """Ask something wrong, and do what the error says instead."""
    with pytest.raises(cf.CarbonFlowsError) as caught:
        case.wrong()
    found = re.search(case.advice, caught.value.remedy)
    assert found, str(caught.value)
    assert case.right(found[1] if found.groups() else found[0]) is not None


def advice_tests(modules: Sequence[str], cases: Sequence[Case]) -> tuple[Any, Any]:
    """Return the tests that advice works, and that no advice of these modules is without a case."""

    @pytest.mark.parametrize("case", cases, ids=lambda case: case.advice[:40])
    def test_what_an_error_advises_works(case: Case) -> None:
        try_advice(case)

    @pytest.mark.parametrize("module", modules)
    def test_every_piece_of_advice_has_a_case(module: str) -> None:
        missing = without_a_case(module, cases)
        assert not missing, f"{module} advises what no case tries: {missing}"

    return test_what_an_error_advises_works, test_every_piece_of_advice_has_a_case


def without_a_case(module: str, cases: Sequence[Case]) -> list[str]:
    """Advice of a module that no case asks for, as patterns, but for what is `NOT_TRIED`."""
    texts = [advice_in(case) for case in cases]
    patterns = [p for p in advised_by(module) if p not in NOT_TRIED.get(module, ())]
    return [p for p in patterns if not any(re.search(p, text) for text in texts)]


@cache
def advice_in(case: Case) -> str:
    try:
        case.wrong()
    except cf.CarbonFlowsError as error:
        return error.remedy
    return ""


NOT_TRIED = {
    "shocks/_scenario": ["<str(error.remedy)>"],  # of the places that a line names
    # Those of other errors, which have a case there.
    "cli/_report": ["<error.remedy>"],
    "uncertainties/_error_model/_errors": ["<str(error.typed)>"],
    # Rows are compared whatever is asked by demand=: there the advice ends before "or".
    "decomposition/_comparable": [
        re.escape("aggregate both to labels that they share, or ask by demand= for what both have")
    ],
    # No such pairs: each of the two calls there names one of its own.
    "table/_gate": [
        re.escape(f"give {pair}; the other is computed from it") for pair in ("Z or S", "F or A")
    ],
    # Rounding alone leads here: what is proved to be productive has no such cycle.
    "paths/_search": [re.escape("look at cf.check(table) and correct the table")],
}
"""Advice that no case can ask for."""


# --- in the source --------------------------------------------------------------------------


@cache
def advised_by(module: str) -> tuple[str, ...]:
    """Every piece of advice in a module, as patterns; as code in < > what is made elsewhere."""
    source = Source(ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8")))
    found = [
        pattern
        for call in ast.walk(source.tree)
        if isinstance(call, ast.Call)
        for advice in _advice_of(call)
        for pattern in source.patterns(advice, source.function_of(advice))
    ]
    makers = {f"<{name}>" for name, _ in MAKERS.values()}
    return tuple(p for p in dict.fromkeys(found) if p not in makers)


MAKERS = {"unknown_label": ("hint", 4), "unknown_consumers": ("remedy", 0)}
"""What makes errors for other modules too, and which of its arguments is advice."""


def _advice_of(call: ast.Call) -> Iterator[ast.expr]:
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    if name == "about":
        yield from (keyword.value for keyword in call.keywords if keyword.arg == "remedy")
    elif name in MAKERS and MAKERS[name][1] < len(call.args):
        yield call.args[MAKERS[name][1]]


class Source:
    """A module, in which expressions are followed to the texts that they may be."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
        self.followed: list[tuple[str, ast.Call]] = []  # a function may call itself

    def function_of(self, node: ast.AST) -> ast.FunctionDef | None:
        """The innermost function that has a node."""
        holders = [f for f in self.functions if any(node is n for n in ast.walk(f))]
        return min(holders, key=lambda f: len(list(ast.walk(f))), default=None)

    def patterns(self, node: ast.expr, inside: ast.FunctionDef | None) -> list[str]:
        """What a text in the source looks like in an error."""
        if isinstance(node, ast.Constant):
            text = node.value
            return [".*"] if not isinstance(text, str) else [re.escape(text)] if text else []
        if isinstance(node, ast.JoinedStr):
            return self._joined(node.values, inside)
        if isinstance(node, ast.FormattedValue):
            return self._within(node.value, inside)
        if isinstance(node, ast.IfExp):
            return self.patterns(node.body, inside) + self.patterns(node.orelse, inside)
        if isinstance(node, ast.BoolOp):
            return [p for value in node.values for p in self.patterns(value, inside)]
        if isinstance(node, ast.BinOp):
            return self._joined([node.left, node.right], inside)
        if isinstance(node, ast.Name):
            return self._assigned(node, inside)
        if isinstance(node, ast.Call):
            return self._called(node, inside)
        return [f"<{ast.unparse(node)}>"]

    def _within(self, node: ast.expr, inside: ast.FunctionDef | None) -> list[str]:
        found = self.patterns(node, inside) if isinstance(node, ast.Name | ast.IfExp) else []
        return found if found and not any(p.startswith("<") for p in found) else [".*"]

    def _joined(self, parts: Sequence[ast.expr], inside: ast.FunctionDef | None) -> list[str]:
        choices = [self.patterns(part, inside) or [""] for part in parts]
        texts = ["".join(one) for one in product(*choices)]
        return [re.sub("<[^<>]*>", ".*", text) for text in texts]

    def _assigned(self, node: ast.Name, inside: ast.FunctionDef | None) -> list[str]:
        """The values of a variable, a constant, or a parameter."""
        scope: ast.AST = inside or self.tree
        values = list(_values(scope, node.id, before=node.lineno))
        if values:
            first = [v for v, added in values if not added]
            found = [p for v in first for p in self.patterns(v, inside)]
            for value, added in values:
                if added:  # where it is not, the text is there without
                    found += [p + q for p in found for q in self.patterns(value, inside)]
            return found
        names = [a.arg for a in (*inside.args.args, *inside.args.kwonlyargs)] if inside else []
        if inside is not None and node.id in names:
            calls = [c for c in ast.walk(self.tree) if isinstance(c, ast.Call)]
            calls = [c for name, c in self.followed if name == inside.name] or calls
            given = [
                (c, arg)
                for c in calls
                if getattr(c.func, "id", getattr(c.func, "attr", "")) == inside.name
                for arg in _argument(c, node.id, names)
            ]
            if given:
                return [p for c, arg in given for p in self.patterns(arg, self.function_of(c))]
        outer = list(_values(self.tree, node.id)) if inside else []
        if outer:
            return [p for value, _ in outer for p in self.patterns(value, None)]
        return [f"<{node.id}>"]

    def _called(self, node: ast.Call, inside: ast.FunctionDef | None) -> list[str]:
        name = ast.unparse(node.func)
        if name in ("Phrase", "Phrase.in_python"):
            return self.patterns(node.args[0], inside)
        if name == "Phrase.of":
            return self._joined(node.args, inside)
        if name == "nearest_are":
            return [NEAREST]
        seen = [one for one, _ in self.followed]
        found = [f for f in self.functions if f.name == name and name not in seen]
        self.followed.append((name, node))
        returned = [
            p
            for f in found
            for n in ast.walk(f)
            if isinstance(n, ast.Return) and n.value is not None
            for p in self.patterns(n.value, f)
        ]
        self.followed.pop()
        return returned or [f"<{ast.unparse(node)}>"]


def _values(scope: ast.AST, name: str, before: int = 10**9) -> Iterator[tuple[ast.expr, bool]]:
    """What a name is set to in a scope, and whether that is added to what it was."""
    body = scope.body if isinstance(scope, ast.Module) else ast.walk(scope)
    for node in body:
        if (getattr(node, "end_lineno", 0) or 0) >= before:  # after the use, or itself
            continue
        if isinstance(node, ast.AnnAssign | ast.AugAssign) and node.value is not None:
            if getattr(node.target, "id", "") == name:
                yield node.value, isinstance(node, ast.AugAssign)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = zip(target.elts, node.value.elts, strict=True)
                    yield from ((v, False) for t, v in pairs if getattr(t, "id", "") == name)
                elif getattr(target, "id", "") == name:
                    yield node.value, False


def _argument(call: ast.Call, name: str, names: Sequence[str]) -> Iterator[ast.expr]:
    """What a call gives a parameter."""
    at = names.index(name) - ("self" in names)
    yield from (k.value for k in call.keywords if k.arg == name)
    if at < len(call.args):
        yield call.args[at]
