"""The questions of `cases.py` for asv; see docs/benchmarks.md."""
