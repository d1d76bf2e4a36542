# study.py: python study.py STORE RESULTS
import os
import sys

import carbonflows_fast as cf

panel = cf.Panel(sys.argv[1])
panel.flows("CO2", client=os.environ.get("SCHEDULER"), out=sys.argv[2], wait=3600)
