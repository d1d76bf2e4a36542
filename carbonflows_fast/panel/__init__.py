"""Questions to many years at once, in parallel."""

from carbonflows_fast.panel._panel import Panel

__all__ = ["Panel"]
