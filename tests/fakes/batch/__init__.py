"""A fake PBS Pro that really runs its jobs, with OpenPBS 23.06's words (tests/data/pbs).

The commands are the executables in this directory. The directory that FAKE_PBS names holds all of
the state: `jobs/ID/attributes`, what qstat tells of a job; `clock`, the seconds that the fake is
ahead of the machine; and the switches of `site_state.SWITCHES`, each a file. Unlike the real one
it takes jobs from root, as the tests may run as root.
"""
