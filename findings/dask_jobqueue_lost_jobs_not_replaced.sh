#!/usr/bin/env bash
# dask-jobqueue 0.9.0 with distributed 2026.8.0: `adapt` replaces a lost job only if it is one process.
#
# Expected: with `adapt(minimum_jobs=1)` there is always a job. One that is cancelled, or reaches its
# wall time, is followed by another, however many processes it has.
# Behaviour: a job with `processes=2` or more is never replaced, and a computation waits for ever for
# workers. SpecCluster forgets a worker that is lost by its name, but cluster.workers has the name of
# the job ("SLURMCluster-0"), which only a job of one process shares with its worker ("…-0-0"
# otherwise). What cores= alone gives has several processes from 2 cores on.
# With `scale(jobs=1)` no job is replaced. After any loss, `close()` raises AssertionError.
#
# Output seen:
#   processes=1, scale: replaced False
#   processes=1, adapt: replaced True
#   processes=2, adapt: replaced False
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dask-jobqueue==0.9.0 distributed==2026.8.0 dask==2026.8.0
cd "$folder"
# A queue that starts every job at once: the commands that dask-jobqueue calls.
cat >sbatch <<'SH'
#!/bin/sh
job=$(mktemp "$PWD/job.XXXXXX")
cp "$1" "$job"
setsid sh "$job" >"$job.out" 2>&1 &
echo "Submitted batch job $!"
SH
cat >scancel <<'SH'
#!/bin/sh
kill -- "-$1" 2>/dev/null || true
SH
chmod +x sbatch scancel
PATH="$folder:$PATH" venv/bin/python - <<'PYTHON' 2>/dev/null
import os
import signal
import sys
import time

import dask
from dask_jobqueue import SLURMCluster

dask.config.set({"distributed.deploy.lost-worker-timeout": "2s"})  # else 15 s


def until(reached, seconds):
    ends = time.monotonic() + seconds
    while not reached() and time.monotonic() < ends:
        time.sleep(0.1)
    return bool(reached())


def replaced(processes, keep):
    cluster = SLURMCluster(
        cores=processes, processes=processes, memory="1GB", interface="lo",
        scheduler_options={"dashboard_address": ":0"},
    )
    keep(cluster)
    assert until(lambda: len(cluster.scheduler_info["workers"]) == processes, 120)
    (job,) = cluster.workers.values()
    os.killpg(int(job.job_id), signal.SIGTERM)  # as scancel does
    assert until(lambda: not cluster.scheduler_info["workers"], 60)
    found = until(lambda: cluster.scheduler_info["workers"], 30)
    try:
        cluster.close()
    except AssertionError:
        pass
    return found


def scale(cluster):
    cluster.scale(jobs=1)


def adapt(cluster):
    cluster.adapt(minimum_jobs=1)


seen = []
for processes, keep in (1, scale), (1, adapt), (2, adapt):
    seen.append(replaced(processes, keep))
    print(f"processes={processes}, {keep.__name__}: replaced {seen[-1]}", flush=True)
os._exit(seen != [False, True, False])
PYTHON
