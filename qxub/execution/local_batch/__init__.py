"""The embedded batch system: jobs on this machine, queued for its cores and its memory.

It has no server. The queue is a database (`database`). Each running job has a supervisor process of
its own (`supervise_posix`, `supervisor_posix`). Every command (`queue_posix`), and every supervisor
at its end, starts what fits by then (`dispatch_posix`). docs/decisions/0012 says why.
"""
