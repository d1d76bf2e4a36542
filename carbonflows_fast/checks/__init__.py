"""What is wrong with a table: findings, their effect on footprints, and repairs."""

from carbonflows_fast.checks._check import CheckReport, check
from carbonflows_fast.checks._repair import repair

__all__ = ["CheckReport", "check", "repair"]
