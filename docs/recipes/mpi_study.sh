#!/bin/sh
# mpi_study.sh: sh mpi_study.sh STORE RESULTS, in a job of as many tasks as there are ranks
export DASK_LOGGING__DISTRIBUTED=warning  # else Dask's workers log tracebacks at the end
mpirun -n 4 python mpi_study.py "$@"
