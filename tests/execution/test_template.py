"""Templates of job scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from qxub.errors import ConfigError
from qxub.execution.run_directory import Ending
from qxub.job import JobSpec
from tests.execution.scripts import prepared, ran
from tests.posix import runs_jobs

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = runs_jobs
TEMPLATE = r"""#!/bin/bash
{directives}
#PBS -W umask=022
{steps}
export FROM_TEMPLATE={name}; NUMBERS=$(echo {1..3}) X=${HOME:-${PATH}}
greet() { echo "hello $1"; }
awk '{ print }' /dev/null; echo '{{print}}' >literal
{command}
echo cleaned >cleaned
"""


def templated(tmp_path: Path, text: str, command: str = "exit 3") -> JobSpec:
    (tmp_path / "job.template").write_text(text)
    return JobSpec((), shell_command=command, name="it's", template="job.template")


def test_a_template_is_filled_and_the_rest_left_alone(tmp_path: Path) -> None:
    run = prepared(tmp_path, templated(tmp_path, TEMPLATE))
    script = run.script.read_text()
    assert "export FROM_TEMPLATE=it_s; NUMBERS=$(echo {1..3}) X=${HOME:-${PATH}}\n" in script
    assert (
        "greet() { echo \"hello $1\"; }\nawk '{ print }' /dev/null; echo '{print}' >lit" in script
    )


def test_its_lines_run_before_and_after_the_command_whose_status_stays(tmp_path: Path) -> None:
    spec = templated(tmp_path, TEMPLATE, 'echo "$FROM_TEMPLATE"; exit 3')
    files = ran(tmp_path, spec)
    assert files.ending() == Ending("exit", "3", terminated=False)
    assert files.stdout.read_text() == "it_s\n"
    assert (tmp_path / "cleaned").read_text() == "cleaned\n"
    assert (tmp_path / "literal").read_text() == "{print}\n"


def test_a_line_of_it_that_leaves_is_a_failed_set_up(tmp_path: Path) -> None:
    text = "#!/bin/bash\n{directives}\n{steps}\nexit 9\n{command}\n"
    ending = ran(tmp_path, templated(tmp_path, text)).ending()
    assert ending == Ending("setup", "a line of the template", terminated=False)


def test_line_ends_of_windows_do_no_harm(tmp_path: Path) -> None:
    text = "#!/bin/bash\r\n{directives}\r\n{steps}\r\n{command}\r\n"
    (tmp_path / "w").write_bytes(text.encode())
    spec = JobSpec(("true",), template="w")
    assert ran(tmp_path, spec).ending() == Ending("exit", "0", terminated=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{directives}\n{steps}\n{command}\n", "line 1: a template begins with #!/bin/bash"),
        ("#!/bin/sh\n{directives}\n{steps}\n{command}\n", "line 1: a template begins with"),
        (
            "#!/bin/bash\n{directives}\n\nawk '{print}'\n{steps}\n{command}\n",
            r"job.template, line 4: unknown placeholder \{print\}",
        ),
        ("#!/bin/bash\n{directives}\n{command}\n", "each once and in this order"),
        ("#!/bin/bash\n{directives}\n{steps}\n{command}\n{command}\n", "each once and in this"),
        ("#!/bin/bash\n{steps}\n{directives}\n{command}\n", "each once and in this order"),
        (
            "#!/bin/bash\n{directives}\n{steps}\ntime {command}\n",
            r"line 4: \{command\} must stand alone on its line",
        ),
    ],
)
def test_what_cannot_be_filled_is_refused_with_file_and_line(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        prepared(tmp_path, templated(tmp_path, text))


def test_a_template_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no: cannot read the template: No such file"):
        prepared(tmp_path, JobSpec(("true",), template="no"))
