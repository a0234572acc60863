"""Print the seconds that the first look-up of a process takes: `cold_look_up.py FILE HOST`."""

from __future__ import annotations

import sys
import time

from qxub.transport.ssh_config import resolve


def main() -> None:
    """Look up once, after all is imported."""
    _, file, host = sys.argv
    start = time.perf_counter()
    resolve(host, config_file=file)
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main()
