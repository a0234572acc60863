"""On the Windows side: `python transfers.py HOST WAY DIRECTORY` puts a file and gets it back."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from qxub.transport import FileNotFound, connect, open_files, resolve

SIZE = 3_000_001
NAME = "größer 'n' more\n"


def main(host: str, way: str, directory: str) -> None:
    here, back = Path("here file"), Path("back file")
    here.write_bytes(b"\r\n\x1a\x00" + bytes(SIZE))
    back.write_bytes(b"old")
    with connect(resolve(host)) as connection, open_files(connection) as files:
        assert files.way == way
        files.put(here, f"{directory}/{NAME}", mode=0o640)
        assert files.listdir(directory) == [NAME]
        files.get(f"{directory}/{NAME}", str(back), resume=True)
        try:
            files.stat(f"{directory}/missing")
        except FileNotFound:
            print(hashlib.sha256(back.read_bytes()).hexdigest())  # noqa: T201 - the answer


if __name__ == "__main__":
    main(*sys.argv[1:])
