# cluster.py: on the login node, for as long as the workers are wanted
from dask_jobqueue import SLURMCluster

cluster = SLURMCluster(
    cores=4,
    processes=1,  # a job is one worker that takes 4 tasks side by side
    memory="16GB",  # a structural decomposition of EXIOBASE needs 3.6 GB for each task
    walltime="02:00:00",
    worker_extra_args=["--lifetime", "110m", "--lifetime-stagger", "5m"],
    job_script_prologue=["export NUMBA_CACHE_DIR=${TMPDIR:-/tmp}/numba-$(id -u)"],
)
cluster.adapt(minimum_jobs=2, maximum_jobs=2)  # a job that ends is replaced
print(cluster.scheduler_address, flush=True)
input("Enter ends the workers. ")
