"""Times, peak memory and passes of each question, by asv."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from cases import CASES, SIZES, World
from counting import counts_of

SIZE = os.environ.get("CARBONFLOWS_BENCH", "small")


class Questions:
    """Each question is prepared outside of the clock, and anew for every measurement."""

    params = (tuple(CASES),)
    param_names = ("question",)
    number = 1
    warmup_time = 0
    timeout = 600

    def setup(self, question: str) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(*SIZES[SIZE], Path(self.folder.name))
        self.case = CASES[question]
        self.state = self.case.prepare(self.world)

    def teardown(self, question: str) -> None:
        self.folder.cleanup()

    def time_question(self, question: str) -> None:
        self.case.run(self.state)

    def peakmem_question(self, question: str) -> None:
        self.case.run(self.state)

    def track_passes(self, question: str) -> int:
        return counts_of(self.case, self.world).get("passes", 0)
