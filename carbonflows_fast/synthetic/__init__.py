"""Synthetic worlds that behave like published tables."""

from carbonflows_fast.synthetic._world import world

__all__ = ["world"]
