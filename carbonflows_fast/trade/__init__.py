"""Flows of embodied emissions between regions, and gross bilateral trade."""

from carbonflows_fast.trade._flows import Flows, flows

__all__ = ["Flows", "flows"]
