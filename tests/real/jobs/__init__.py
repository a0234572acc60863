"""What a run is, whichever scheduler runs it: one suite over the embedded one, PBS and Slurm.

PBS is the fake one of tests/fakes/batch, or, with QXUB_TEST_PBS=1, the real one whose commands are
first on PATH: `QXUB_TEST_PBS=1 python -m pytest tests/real -k pbs`, as an ordinary user. Where jobs
run on other machines, `--basetemp` names a directory that all of them see. Slurm is always the real
one.
"""
