"""An ssh_config of 2,000 blocks in 20 included files, as scripts write them for large sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BLOCKS = 2000
INCLUDES = 20
WANTED = "node1991"  # nine blocks before the end

_NODE = """\
Host node{number} n{number}
    HostName node{number}.cluster{site}.example.org
    User user{site}
    Port {port}
    IdentityFile ~/.ssh/id_cluster{site}
    ServerAliveInterval 60
"""
_SITE = """\
# Everything at site {site}
Host *.site{number}.example.org !login.site{number}.example.org
    User user{site}
    ProxyJump login.site{number}.example.org
    StrictHostKeyChecking accept-new
"""
_MATCH = """\
Match originalhost "gpu{number},big{number}" user user{site}
    IdentityFile ~/.ssh/id_gpu
    ServerAliveInterval 30
    Compression yes
"""
_LAST = """
Host *
    ServerAliveCountMax 5
    IdentitiesOnly yes
"""


def write_large_config(directory: Path) -> Path:
    """Write the files and give the one that includes the others."""
    each = BLOCKS // INCLUDES
    lines = []
    for part in range(INCLUDES):
        file = directory / f"part{part:02}.conf"
        blocks = [_block(number) for number in range(part * each, (part + 1) * each)]
        file.write_text("\n".join(blocks), encoding="utf-8")
        lines.append(f'Include "{file.as_posix()}"\n')
    main = directory / "config"
    main.write_text("".join(lines) + _LAST, encoding="utf-8")
    for file in directory.iterdir():
        file.chmod(0o600)
    return main


def _block(number: int) -> str:
    """Give one block: most are of one machine, some are patterns or conditions."""
    template = _MATCH if number % 40 == 20 else _SITE if number % 20 == 10 else _NODE
    site = number // 100
    return template.format(number=number, site=site, port=22 if number % 3 else 2200 + site)
