#!/usr/bin/env bash
# distributed 2026.8.0: a task that runs when `--lifetime` ends its worker is run a second time.
#
# Expected: a worker whose lifetime is over "closes gracefully". It takes no more tasks, ends what it
# runs, and hands on what it has, so each task is run once.
# Behaviour: the scheduler takes the running task for lost and hands it to another worker at once. The
# first worker still runs it to its end (up to 30 s), and its result is thrown away. Work is done
# twice, and both write where a task writes.
#
# Output seen:
#   begun: 2, ended: 2, workers: 2
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet distributed==2026.8.0 dask==2026.8.0
cd "$folder"
cat >lifetime.py <<'PYTHON'
import os
import sys
import time
from pathlib import Path

from distributed import Client, LocalCluster


def work(notes):
    for what in ("begun", "ended"):
        with Path(notes).open("a") as file:
            file.write(f"{what} {os.getpid()}\n")
        time.sleep(6 if what == "begun" else 0)


if __name__ == "__main__":
    with LocalCluster(n_workers=1, threads_per_worker=1, lifetime="4s", dashboard_address=None) as (
        cluster
    ), Client(cluster) as client:
        task = client.submit(work, "notes.txt")
        time.sleep(1)
        cluster.new_spec = cluster.new_spec | {"options": cluster.new_spec["options"] | {"lifetime": None}}
        cluster.scale(2)
        task.result()
        time.sleep(3)
    lines = Path("notes.txt").read_text().split("\n")[:-1]
    begun, ended = (sum(line.startswith(word) for line in lines) for word in ("begun", "ended"))
    print(f"begun: {begun}, ended: {ended}, workers: {len({line.split()[1] for line in lines})}")
    sys.exit(not begun == ended == 2)
PYTHON
venv/bin/python lifetime.py 2>/dev/null
