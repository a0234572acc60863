from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.large_config import BLOCKS, INCLUDES, WANTED, write_large_config
from qxub.transport.ssh_config import resolve

if TYPE_CHECKING:
    from pathlib import Path


def test_the_wanted_host_is_in_one_of_the_last_blocks(tmp_path: Path) -> None:
    config = write_large_config(tmp_path)
    host = resolve(WANTED, config_file=str(config))
    assert (host.hostname, host.user) == (f"{WANTED}.cluster19.example.org", "user19")
    assert host.identity_files[-1].name == "id_cluster19"
    assert host.server_alive_count_max == 5


def test_as_many_blocks_and_files_as_it_says(tmp_path: Path) -> None:
    write_large_config(tmp_path)
    parts = [file.read_text() for file in tmp_path.glob("part*.conf")]
    lines = [line for text in parts for line in text.splitlines()]
    assert len(parts) == INCLUDES
    assert sum(line.startswith(("Host ", "Match ")) for line in lines) == BLOCKS
