"""Errors as the command line says them: arguments by its own names, its own commands as remedy."""

from __future__ import annotations

import argparse
import re
import shlex

__all__ = ["spoken"]

ARGUMENT = re.compile(r"(^|[:;] +|\n +)(\w+)(?=: expected)")
OTHER_NAMES = {
    "stressors": "stressor",
    "table_or_path": "table",
    "sectors": "study",
    "folder": "store",
    "client": "scheduler",
    "path": "table",
    "before": "table",
}
"""Arguments of functions that are called otherwise here."""

ADVICE = {
    r"\b(year|format|stressor|out)s?=(?:…|\[…\]|(?= |$))": r"--\1 …",
    r'\bblanks="zero"': "--blanks zero",
    r"open one with cf\.open, or the folder of all with cf\.Panel": "name one of them, or ask all "
    "with carbonflows-fast panel",
    r"open it with cf\.open": "give it without --format and --year",
    r"\bcf\.save\(table, folder / year\)": "carbonflows-fast convert",
    r"ask cf\.system\(table\)\.solve for an rtol above that, or ": "",
    r"\bcf\.check\(table\)": "carbonflows-fast check",
    r"[^;]*, or ask by demand= for": " ask by --demand for",
    r"set max_paths": "set --max-paths",
    r"leave client out": "leave --scheduler out",
    r"in \.findings": "(--out writes them)",
    r"method='polar' or 'shapley'": "--method polar",
    r"as classes=('\w+')": r"by --classes FILE, a copy of the classification \1",
    r"classes=\{sector: class\}(.*) a DataFrame": r"--classes FILE\1 a CSV",
}
"""What errors advise to write in Python, and what to do instead."""

PAIR = re.compile(r"write \((None|'[^']*'|\"[^\"]*\"), (None|'[^']*'|\"[^\"]*\")\)")
PYTHON = {
    r"ask cf\.flows, cf\.production_layers or cf\.sector_study": "ask carbonflows-fast flows or "
    "sector",
    r"((?<!cf\.save\()\btable\.(?:with_changes|aggregate)\([^)]*\))": r"\1 in Python",
    r"\bclassification\.load\('(\w+)'\)": r"carbonflows_fast/classification/\1.csv",
    r"\bgive a mapping\b": "in Python give a mapping",
    r"\bstressor=(?=\{)": "in Python stressor=",
}
"""What has other words here, or no command: whatever labels stand in it."""


def spoken(sentence: str, arguments: argparse.Namespace) -> str:
    """Return an error with arguments and advice as they are written on the command line."""
    names = {
        action.dest: action.option_strings[-1] if action.option_strings else str(action.metavar)
        for action in arguments.parser._actions
    }
    others = {other: names[name] for other, name in OTHER_NAMES.items() if name in names}
    names = others | names

    def named(found: re.Match[str]) -> str:
        return f"{found[1]}{names.get(found[2], found[2])}"

    sentence = ARGUMENT.sub(named, sentence)
    for advised, instead in ADVICE.items():
        sentence = re.sub(advised, instead, sentence)
    for advised, instead in PYTHON.items():
        sentence = re.sub(advised, instead, sentence)
    return PAIR.sub(_with_colon, sentence)


def _with_colon(found: re.Match[str]) -> str:
    """Return what selects by a pair of labels: REGION:, :LABEL."""
    region, label = ("" if part == "None" else part[1:-1] for part in found.groups())
    return f"write {shlex.quote(f'{region}:{label}')}"
