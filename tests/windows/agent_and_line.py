r"""On the Windows side: `python -m tests.windows.agent_and_line KEY PROGRAM [ARG…]`.

It serves the key on the pipe of Windows' own ssh-agent while the program runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

assert sys.platform == "win32"  # for mypy, which passes over it elsewhere

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: E402
from cryptography.hazmat.primitives.serialization import load_ssh_private_key  # noqa: E402

from tests.fakes import agent  # noqa: E402
from tests.fakes.pipe_windows import served_pipe  # noqa: E402

OPENSSH_PIPE = r"\\.\pipe\openssh-ssh-agent"


def main(key_file: str, line: list[str]) -> int:
    """Return the exit status of the program."""
    key = load_ssh_private_key(Path(key_file).read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)

    def serve(descriptor: int) -> None:
        def read(size: int) -> bytes:
            try:
                return os.read(descriptor, size)
            except BrokenPipeError:  # the client has closed
                return b""

        agent.serve(key, read, lambda data: os.write(descriptor, data))

    with served_pipe(OPENSSH_PIPE, serve):
        return subprocess.call(line)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
