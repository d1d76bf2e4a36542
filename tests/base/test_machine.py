"""How much memory a process may use, by what Linux says of its control groups."""

from __future__ import annotations

from pathlib import Path

from carbonflows_fast._base.machine import group_limits, memory_limit, memory_room


def test_a_job_and_what_is_around_it_limit_a_process(tmp_path: Path) -> None:
    for group, limit in (("", "max"), ("slurm", "9000"), ("slurm/job_7", "500"),
                         ("slurm/job_7/step_0", "500"), ("slurm/job_8", "1")):  # fmt: skip
        (tmp_path / group).mkdir(exist_ok=True)
        (tmp_path / group / "memory.max").write_text(f"{limit}\n")
    found = group_limits(tmp_path, "0::/slurm/job_7/step_0/task_0\n")
    slurm = tmp_path / "slurm"
    assert found == [
        (9000, str(slurm)), (500, str(slurm / "job_7")), (500, str(slurm / "job_7/step_0")),
    ]  # fmt: skip
    # Of equal limits the outer one counts, which all steps of a job share.
    assert min(found, key=lambda limit: limit[0])[1] == str(slurm / "job_7")


def test_version_1_has_a_hierarchy_for_memory(tmp_path: Path) -> None:
    job = tmp_path / "memory" / "slurm"
    job.mkdir(parents=True)
    (job / "memory.limit_in_bytes").write_text("700\n")
    groups = "5:cpu:/other\n4:memory:/slurm\n0::/\n"
    assert group_limits(tmp_path, groups) == [(700, str(job))]
    assert group_limits(tmp_path, "") == []


def test_this_process_has_room() -> None:
    size, group = memory_room()
    assert size == memory_limit() > 1e6
    assert isinstance(group, str)
