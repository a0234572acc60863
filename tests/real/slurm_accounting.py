"""Slurm's accounting in small: slurmdbd(8) on a loopback port, over a MariaDB of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable

from tests.real.processes import find_program, supervised, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Run = Callable[..., subprocess.CompletedProcess[str]]
    """runs a command of Slurm"""

PROGRAMS = ("mariadb-install-db", "mariadbd", "slurmdbd", "sacctmgr", "sacct")
ACCOUNT = "qxub"
"""the only one that may be asked for"""

# slurm.conf(5). AccountingStoragePass is the socket of munged, for the way to slurmdbd. A job is
# forgotten at the first look, each ten seconds, after MinJobAge.
SETTINGS = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={port}
AccountingStoragePass={directory}/munge.socket
AccountingStorageEnforce=associations
MinJobAge=2"""

# slurmdbd.conf(5). Without NoInAddrAny it listens on every interface.
SLURMDBD_CONF = """\
AuthType=auth/munge
AuthInfo=socket={directory}/munge.socket
CommunicationParameters=NoInAddrAny
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser=root
PidFile={directory}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm
"""

# sacctmgr(1), FLAT FILE DUMP AND LOAD.
ASSOCIATIONS = f"""\
Cluster - qxub
Parent - root
Account - {ACCOUNT}
Parent - {ACCOUNT}
User - root:DefaultAccount={ACCOUNT}
"""


def accounting_obstacle() -> str:
    """Say what keeps the accounting from being started here; "" if nothing does."""
    absent = [name for name in PROGRAMS if find_program(name) is None]
    return f"no {', '.join(absent)} on this machine" if absent else ""


@dataclass(frozen=True)
class Accounting:
    """The accounting of the Slurm in `directory`, whose munged it uses."""

    directory: Path
    port: int

    @property
    def settings(self) -> str:
        """Its lines of slurm.conf."""
        return SETTINGS.format(directory=self.directory, port=self.port)

    @contextlib.contextmanager
    def running(self, run: Run) -> Iterator[None]:
        """Run both servers; when the block begins they know the cluster."""
        self._write_files()
        with contextlib.ExitStack() as servers:
            socket = self.directory / "mariadb.socket"
            log = self.directory / "mariadbd.log"
            database = servers.enter_context(supervised(self._mariadbd(socket), log))
            wait_until(socket.exists, database, log)
            environment = {
                **os.environ,
                "SLURM_CONF": str(self.directory / "slurm.conf"),
                "MYSQL_UNIX_PORT": str(socket),
            }
            log = self.directory / "slurmdbd.log"
            argv = [str(find_program("slurmdbd")), "-D"]
            slurmdbd = servers.enter_context(supervised(argv, log, environment))
            load = ("sacctmgr", "-i", "load", str(self.directory / "associations"))
            wait_until(lambda: run(*load).returncode == 0, slurmdbd, log)
            yield

    def _write_files(self) -> None:
        conf = self.directory / "slurmdbd.conf"
        conf.touch(mode=0o600)
        conf.write_text(SLURMDBD_CONF.format(directory=self.directory, port=self.port))
        (self.directory / "associations").write_text(ASSOCIATIONS)

    def _mariadbd(self, socket: Path) -> list[str]:
        """Make the database, which lets in this user only, by its socket only."""
        data = ("--no-defaults", "--user=root", f"--datadir={self.directory}/database")
        install = [str(find_program("mariadb-install-db")), *data, "--skip-test-db"]
        install.append("--auth-root-authentication-method=socket")
        subprocess.run(install, check=True, capture_output=True)
        server = [str(find_program("mariadbd")), *data, "--skip-networking", f"--socket={socket}"]
        return [*server, "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M"]
