"""Reads files that atheris makes up, led by which lines of the readers they reach.

``python tests/fuzz_guided.py -runs=20000`` starts from the files of `layouts`. The first byte of
an input chooses a file of a layout, the rest is its content. Other options are libFuzzer's.
"""

from __future__ import annotations

import gc
import logging
import sys
import tempfile
from pathlib import Path
from types import FunctionType

import atheris
from fuzzing import Sample, all_samples

READERS = "carbonflows_fast.readers"


def watch_readers() -> None:
    """Count what of the readers is reached; the hook for imports misses editable installs."""
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and str(thing.__module__).startswith(READERS):
            atheris.instrument_func(thing)


def main() -> None:
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tables").mkdir()
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        places: list[tuple[Sample, str]] = []

        def one(data: bytes) -> None:
            if data:
                sample, name = places[data[0] % len(places)]
                sample.outcome(name, data[1:], False)

        for sample in all_samples(Path(folder) / "tables"):
            if sample.store:
                continue  # its digests refuse whatever is made up
            for name, content in sample.files.items():
                (corpus / str(len(places))).write_bytes(bytes([len(places)]) + content)
                places.append((sample, name))
        watch_readers()
        atheris.Setup([*sys.argv, "-timeout=20", "-max_len=20000", str(corpus)], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
