"""Who answers for emissions, seen from production, consumption, income and technology."""

from carbonflows_fast.viewpoints._enabled import enabled, with_value_added
from carbonflows_fast.viewpoints._responsibility import responsibility

__all__ = ["enabled", "responsibility", "with_value_added"]
