"""Platform definitions: what is checked before anything is sent."""

from __future__ import annotations

import http.server
import threading
from typing import TYPE_CHECKING

import pytest

from qxub.errors import ConfigError, RefusedError
from qxub.job import JobSpec, Resources
from qxub.limits import Limits
from qxub.monitoring import Monitoring
from qxub.platforms.definition import PlatformDefinition, check_limits
from qxub.platforms.loader import load_definition

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GIB = 2**30
MAPPING = """\
platform: {name: nci_gadi, type: pbs_pro}
queues:
  normal:
    limits: {max_cpus: 20736, max_memory: 190GB, max_walltime: "48:00:00"}
  copyq: {type: data}
"""
BELOW = """\
platform:
  name: nci_gadi
  type: pbs_pro
  monitoring: {interval: 60, jitter: 0.5}
  queues:
    normal:
      limits: {max_cpus: 20736, max_memory: 190GB, max_walltime: "48:00:00"}
    copyq: {type: data}
"""
LIST = """\
queues:
  - name: normal
    limits: {max_cpus: 20736, max_memory: 190GB, max_walltime: "48:00:00"}
  - name: copyq
"""


@pytest.fixture(params=[MAPPING, BELOW, LIST], ids=["mapping", "below", "list"])
def definition(request: pytest.FixtureRequest, tmp_path: Path) -> PlatformDefinition:
    path = tmp_path / "gadi.yaml"
    path.write_text(request.param)
    return load_definition(str(path))


def test_queues_by_name_or_in_a_list(definition: PlatformDefinition) -> None:
    assert list(definition.queues) == ["normal", "copyq"]
    assert definition.queues["normal"].limits == Limits(20736, 190 * GIB, 172_800)


def test_scheduler_and_how_often_it_may_be_asked(tmp_path: Path) -> None:
    path = tmp_path / "gadi.yaml"
    path.write_text(BELOW)
    definition = load_definition(str(path))
    assert (definition.scheduler, definition.monitoring) == ("pbs_pro", Monitoring(60, 0.5))
    assert Monitoring(2).or_else(definition.monitoring) == Monitoring(2, 0.5)


@pytest.mark.parametrize("wrong", ["interval: often", "interval: 0", "jitter: 2", "jitter: nan"])
def test_what_is_no_number_is_told_with_its_place(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "gadi.yaml"
    path.write_text(f"platform:\n  monitoring:\n    {wrong}\n")
    with pytest.raises(ConfigError, match=r"gadi.yaml, line 3: platform.monitoring\."):
        load_definition(str(path))


@pytest.mark.parametrize("queue", [None, "auto", "copyq", "normal"])
def test_what_fits_passes(definition: PlatformDefinition, queue: str | None) -> None:
    check_limits(definition, JobSpec(("x",), queue=queue, resources=Resources(memory=190 * GIB)))


def test_every_limit_that_is_broken_is_named(definition: PlatformDefinition) -> None:
    asked = Resources(memory=191 * GIB, cpus=20737, walltime=172_801)
    with pytest.raises(RefusedError) as caught:
        check_limits(definition, JobSpec(("x",), queue="normal", resources=asked))
    for words in ("--mem 191GB is over 190GB", "--cpus 20737", "--runtime 48h1s is over 48h"):
        assert words in caught.value.message


def test_an_unknown_queue_lists_the_known_ones(definition: PlatformDefinition) -> None:
    with pytest.raises(RefusedError, match="no queue 'fast'; there are: normal, copyq"):
        check_limits(definition, JobSpec(("x",), queue="fast"))


def test_a_limit_that_is_no_amount_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("queues:\n  normal:\n    limits:\n      max_memory: lots\n")
    with pytest.raises(ConfigError, match=r"bad.yaml, line 4: queues.normal.limits.max_memory"):
        load_definition(str(path))


class _Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.path == "/gadi.yaml"
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(MAPPING.encode() if found else b"no such file")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_definition_may_come_from_a_url(site: str) -> None:
    assert list(load_definition(f"{site}/gadi.yaml").queues) == ["normal", "copyq"]
    with pytest.raises(ConfigError, match="cannot get the platform definition: 404"):
        load_definition(f"{site}/other.yaml")
