"""qxub: run a command on a PBS Pro or Slurm cluster as if it were local."""

__version__ = "0.1.0"
