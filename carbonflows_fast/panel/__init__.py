"""Questions to many years at once, on Dask."""

from carbonflows_fast.panel._panel import Panel

__all__ = ["Panel"]
