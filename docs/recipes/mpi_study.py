# mpi_study.py: what mpi_study.sh runs on every rank
import sys

from dask_mpi import initialize
from distributed import Client

import carbonflows_fast as cf

initialize(nthreads=1)  # rank 0 is the scheduler, only rank 1 goes on, all others are workers
with Client() as client:
    panel = cf.Panel(sys.argv[1])
    panel.flows("CO2", client=client, out=sys.argv[2])
