"""What `check` returns: findings, with the effects of repairing them on footprints."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.wording import count
from carbonflows_fast.checks._footprint_effects import Effects
from carbonflows_fast.errors import Phrase

__all__ = ["CheckReport", "Finding", "Severity", "report_of", "report_text"]

Severity = Literal["note", "warning", "error"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
SHOWN = 3  # findings of one kind that the printed report lists
LONG = 200  # letters of a stressor's name: of all sources of a gas it is one long sum


class Finding(NamedTuple):
    """One row of the report, before its effect is known."""

    check: str
    severity: Severity
    region: str
    sector: str
    size: float
    message: str
    change: FloatArray | None = None
    """Change of each region's footprint by the repair, shape (R,); None: unknown."""


@dataclass(frozen=True, eq=False)
class CheckReport:
    """What `check` found.

    Attributes
    ----------
    name : str
        The table, or its path.
    findings : DataFrame
        - check: its name;
        - severity: "error", "warning" or "note"; errors first, and the largest effects first;
        - region, sector: where it concerns one row, "" otherwise;
        - size: a number whose meaning the message gives;
        - message;
        - effect: the relative change that a repair would make to the consumption-based footprint
          that it changes most, with its sign; 0 if no footprint would change, NaN if unknown. If
          more than half of the footprint cancels between sources and sinks, the change is relative
          to the sum of their absolute values;
        - effect_region: the region of that footprint.

        Effects are first-order estimates, with each finding repaired alone.
    stressor : str
        The stressor of `effect`; "" if there are no effects.
    why_no_effects : str
        Why there are none; "" if there are effects.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> report = cf.check(cf.synthetic.world(2, 3))
    >>> report.ok, report.findings[["severity", "check", "effect_region"]].values.tolist()
    (True, [['note', 'negative Y', 'BE']])
    """

    name: str
    findings: Any
    stressor: str = ""
    why_no_effects: str = ""
    _phrases: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def ok(self) -> bool:
        """Whether there is no error; notes and warnings are allowed."""
        return not bool((self.findings["severity"] == "error").any())

    def __str__(self) -> str:
        """Return the report as text: how many findings of each kind, and the first few."""
        return report_text(self)

    __repr__ = __str__


def report_text(
    report: CheckReport, worded: Callable[[str], str] = str, rest: str = "in .findings"
) -> str:
    """Return a report with messages in other words, and where the rest of them is."""
    counts = report.findings["severity"].value_counts()
    summary = ", ".join(count(int(counts.get(word, 0)), word) for word in SEVERITIES)
    lines = [f"{report.name or 'table'}: {'ok' if report.ok else 'not ok'} ({summary})"]
    for (severity, name), group in report.findings.groupby(["severity", "check"], sort=False):
        lines.append(f"{severity}: {name} ({len(group)})")
        for row in group[:SHOWN].itertuples():
            message = worded(report._phrases.get(row.message, row.message))
            lines.append(f"  {message}{_effect(row)}")
        if len(group) > SHOWN:
            lines.append(f"  … and {len(group) - SHOWN} more {rest}")
    if (report.findings["effect_region"] != "").any():
        of = report.stressor if len(report.stressor) <= LONG else f"{report.stressor[:LONG]}…"
        lines.append(f"[…]: the footprint of {of} that its repair would change most, an estimate")
    elif report.why_no_effects and len(report.findings):
        lines.append(f"effects on footprints are not known: {worded(report.why_no_effects)}")
    return "\n".join(lines)


def _effect(row: Any) -> str:
    return f" [{row.effect_region} {_two_digits(100 * row.effect)} %]" if row.effect_region else ""


def _two_digits(number: float) -> str:
    """Return a number with its sign and two digits that count, never as a power above 0.

    >>> _two_digits(0.123), _two_digits(-100.4), _two_digits(123456.0)
    ('+0.12', '-100', '+120,000')
    """
    text = f"{number:+.2g}"
    return f"{float(text):+,.0f}" if abs(float(text)) >= 100 else text


def report_of(
    name: str, findings: Iterable[Finding], effects: Effects | None = None
) -> CheckReport:
    """Return the report: findings with their effects, the gravest first."""
    rows, phrases = [], dict[str, str]()
    for finding in findings:
        if isinstance(finding.message, Phrase):  # a column of a frame keeps mere text
            phrases[str(finding.message)] = finding.message
        effect, region = float("nan"), ""
        if effects is not None and finding.change is not None:
            effect, region = effects.largest(finding.change)
        rows.append((*finding[:-1], effect, region))
    frame = pd.DataFrame(rows, columns=[*Finding._fields[:-1], "effect", "effect_region"])
    frame = frame.astype({"size": float, "effect": float})
    size = np.nan_to_num(np.abs(frame["effect"].to_numpy()), nan=-1.0)
    severity = [SEVERITIES.index(word) for word in frame["severity"]]
    frame = frame.iloc[np.lexsort((-size, severity))].reset_index(drop=True)
    known = {} if effects is None else {"stressor": effects.name, "why_no_effects": effects.why}
    return CheckReport(name, frame, **known, _phrases=phrases)
