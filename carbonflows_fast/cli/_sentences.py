"""Errors in the words of the command line: its options for arguments, its commands as remedies."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from carbonflows_fast.errors import CarbonFlowsError, FormatError

if TYPE_CHECKING:
    from carbonflows_fast.errors import Typed

__all__ = ["in_cli_words"]

OTHER_NAMES = {
    "stressors": "stressor",
    "table_or_path": "table",
    "sectors": "study",
    "folder": "store",
    "client": "scheduler",
    "path": "table",
    "before": "table",
    "ledger": "bought",
    "margin_sectors": "trade",
}
"""Arguments of functions that are called otherwise here."""


def in_cli_words(said: str | CarbonFlowsError, arguments: argparse.Namespace) -> str:
    """Return an error, or a reason, in one line, with arguments and advice as one types them."""
    names = {
        action.dest: action.option_strings[-1] if action.option_strings else str(action.metavar)
        for action in arguments.parser._actions
    }
    names |= getattr(arguments, "names", {})
    others = {other: names[name] for other, name in OTHER_NAMES.items() if name in names}
    return " ".join(_worded(said, others | names).splitlines())


def _worded(said: Typed | CarbonFlowsError, names: Mapping[str, str]) -> str:
    """Return a text, what is typed instead of it, or an error about an argument of that name."""
    if isinstance(said, tuple):
        return "".join(
            names[part] if isinstance(part, str) and part in names else _worded(part, names)
            for part in said
        )
    if not isinstance(said, CarbonFlowsError):
        typed: Typed = getattr(said, "typed", said)
        return typed if isinstance(typed, str) else _worded(typed, names)
    if not said.argument or getattr(said, "failed", None):  # a panel's names the years first
        return _worded(said.args[0], names) if said.args else ""
    # What a file is called may be what an argument is called.
    name = said.argument if isinstance(said, FormatError) else names.get(said.argument)
    remedy = _worded(said.typed, names)
    return str(
        said.about(name or said.argument, expected=said.expected, got=said.got, remedy=remedy)
    )
