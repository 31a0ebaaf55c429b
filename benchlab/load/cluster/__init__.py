"""Workers on the machines of a Dask cluster, behind the same handles as those of this machine.

A **host** is a Dask worker that workers of benchlab run on, by its address. The code inside it is
the **agent**: it starts worker processes, whose spool is on that machine's disk, and the parent
mirrors that spool, file by file, into its own. So all that reads a run reads one spool.

asked.py          what a caller asks of a cluster
workers.py        the workers of a plan on a cluster, from connecting to the last byte
team.py           the hosts that carry out one run together
connect.py        a connection to the cluster: our own Dask client, in a thread of its own
calls.py          call a function of benchlab inside a Dask worker
agent.py          inside the Dask worker: worker processes and their spool
agents.py         the agents of a Dask worker, by their keys
reading.py        what an agent reports and the parent mirrors
host_link.py      the parent's end of a host: follows its agent from the start to the end
remote_worker.py  the handle of one worker on a host
mirror.py         copies what the workers of a host write into the parent's spool
clock.py          measure how far the clock of a host is from the parent's
delivery.py       a host sends what its workers measure to a store
direct.py         the parent of such a run: waits until all is there, then lets the run exist
plan_files.py     files that a plan names travel with it
recover.py        fetch what hosts have kept of runs
kept_direct.py    complete a run whose hosts send to a store, after its parent or a host was lost
timing.py         how long each side waits for the other
"""
