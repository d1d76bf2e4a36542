"""A SLURM of one node on this machine: Debian's munged, slurmctld and slurmd, in a folder."""

from __future__ import annotations

import ctypes
import getpass
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

CONF = """
ClusterName=panel
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/affinity
MpiDefault=none
ReturnToService=2
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
KillWait=5
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/jobs.txt
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=64000 State=UNKNOWN
PartitionName=work Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
"""The node claims more than it may have: jobs of the size that the recipe asks for start here."""


def until(reached: Callable[[], Any], what: str, seconds: float = 120) -> Any:
    """Wait for something, and return it."""
    ends = time.monotonic() + seconds
    while not (found := reached()):
        assert time.monotonic() < ends, f"{what}: not within {seconds:g} seconds"
        time.sleep(0.2)
    return found


def end_with_parent() -> None:
    """Ask Linux to end this process when the one that started it is gone, even if it is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Slurm:
    """The daemons, from `with` to its end; `environment` lets commands of SLURM find them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = dict(os.environ, SLURM_CONF=str(folder / "slurm.conf"))
        self._daemons: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Slurm:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self) -> None:
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            other.bind(("127.0.0.1", 0))
            ports = one.getsockname()[1], other.getsockname()[1]
        host = socket.gethostname().partition(".")[0]
        (self.folder / "slurm.conf").write_text(
            CONF.format(host=host, ports=ports, user=getpass.getuser(), folder=self.folder)
        )
        at = {name: f"--{name}={self.folder}/munge.{name}" for name in ("socket", "key-file")}
        self._daemon(
            "munged", "--foreground", "--force", at["socket"], f"--key-file={key}",
            f"--pid-file={self.folder}/munged.pid", f"--log-file={self.folder}/munged.log",
            f"--seed-file={self.folder}/munge.seed",
        )  # fmt: skip
        until((self.folder / "munge.socket").exists, "munged")
        self._daemon("slurmctld", "-D", "-c")
        self._daemon("slurmd", "-D")
        until(lambda: "idle" in self.run("sinfo", "--noheader", check=False), "an idle node")

    def _daemon(self, name: str, *arguments: str) -> None:
        path = os.pathsep.join([self.environment["PATH"], "/usr/sbin"])
        with (self.folder / f"{name}.out").open("wb") as out:
            self._daemons.append(subprocess.Popen(
                [name, *arguments], env=self.environment | {"PATH": path},
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=end_with_parent,
            ))  # fmt: skip

    def run(self, *command: str, check: bool = True, **more: Any) -> str:
        """Run a command of SLURM, and return what it prints."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=check, **more
        )
        return done.stdout

    def jobs(self, state: str = "RUNNING") -> list[str]:
        """Return the numbers of jobs in a state."""
        return self.run("squeue", "--noheader", "--format=%i", f"--states={state}").split()

    def ended(self) -> Mapping[str, str]:
        """Return how each job ended: COMPLETED, CANCELLED, TIMEOUT or FAILED."""
        with suppress(FileNotFoundError):
            lines = (self.folder / "jobs.txt").read_text().splitlines()
            facts = [dict(p.split("=", 1) for p in line.split() if "=" in p) for line in lines]
            return {one["JobId"]: one["JobState"] for one in facts}
        return {}

    def __exit__(self, *_: object) -> None:
        with suppress(OSError, subprocess.SubprocessError):
            self.run("scancel", f"--user={getpass.getuser()}", check=False, timeout=20)
            ends = time.monotonic() + 20
            while self.jobs("RUNNING,COMPLETING") and time.monotonic() < ends:
                time.sleep(0.2)
        for daemon in reversed(self._daemons):
            daemon.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                daemon.wait(10)
            daemon.kill()
            daemon.wait()
