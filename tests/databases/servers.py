"""Real servers of PostgreSQL and MariaDB, from the machine's own packages, on the loopback address; they go with the test run."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from synthohive_spark import Metadata

SECONDS = 60  # a busy machine makes a new cluster of PostgreSQL in some five
PASSWORD = "s3cret-Word"


def program(name: str, *folders: str) -> str | None:
    """Where a server's program is; Debian keeps those of PostgreSQL off the path."""
    found = [path for folder in folders for path in sorted(Path("/").glob(f"{folder.lstrip('/')}/{name}"), reverse=True)]
    return str(found[0]) if found else shutil.which(name)


@contextmanager
def postgresql() -> Iterator[str]:
    """A server of PostgreSQL: `user:password@host:port` of a superuser.

    Raises:
        FileNotFoundError: it is not installed.
    """
    initdb, server = (program(name, "/usr/lib/postgresql/*/bin") for name in ("initdb", "postgres"))
    if initdb is None or server is None:
        raise FileNotFoundError("PostgreSQL is not installed (Debian: postgresql)")
    with _folder("postgres") as (folder, as_user):
        secret = folder / "password"
        secret.write_text(PASSWORD)
        shutil.chown(secret, *_owner(folder))
        port = _free_port()
        _run([*as_user, initdb, "-D", f"{folder}/data", "-U", "tester", "-A", "scram-sha-256", "--pwfile", str(secret), "-E", "UTF8", "--no-locale", "-N"])
        options = ["-p", str(port), "-k", str(folder), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "timezone=America/New_York"]
        with _server([*as_user, server, "-D", f"{folder}/data", *options], port, folder):
            yield f"tester:{PASSWORD}@127.0.0.1:{port}"


@contextmanager
def mariadb() -> Iterator[str]:
    """A server of MariaDB; as `postgresql`.

    Raises:
        FileNotFoundError: it is not installed.
    """
    install, server, client = program("mariadb-install-db"), program("mariadbd", "/usr/sbin"), program("mariadb")
    if install is None or server is None or client is None:
        raise FileNotFoundError("MariaDB is not installed (Debian: mariadb-server)")
    with _folder("mysql") as (folder, as_user):
        port, place = _free_port(), [f"--datadir={folder}/data", "--no-defaults"][::-1]
        _run([*as_user, install, *place, "--auth-root-authentication-method=normal", "--skip-test-db"])
        socket_file = f"{folder}/s"
        options = [f"--port={port}", "--bind-address=127.0.0.1", f"--socket={socket_file}", f"--pid-file={folder}/pid", "--default-time-zone=-05:00"]
        with _server([*as_user, server, *place, *options, "--innodb-flush-log-at-trx-commit=0"], port, folder):
            for host in ("127.0.0.1", "localhost"):  # it looks the address up, where it can
                grant = f"CREATE USER tester@'{host}' IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON *.* TO tester@'{host}'"
                _run([client, "--no-defaults", f"--socket={socket_file}", "-u", "root", "-e", grant])
            yield f"tester:{PASSWORD}@127.0.0.1:{port}"


@contextmanager
def _folder(user: str) -> Iterator[tuple[Path, list[str]]]:
    """A folder, and what runs a program as its owner: no database server starts as root."""
    folder = Path(tempfile.mkdtemp(prefix="synthohive_db_"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, user, user)
        as_user = ["runuser", "-u", user, "--"]
    try:
        yield folder, as_user
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owner(folder: Path) -> tuple[int, int]:
    return folder.stat().st_uid, folder.stat().st_gid


@contextmanager
def _server(command: list[str], port: int, folder: Path) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/")
    try:
        for _ in range(SECONDS * 10):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if running.poll() is not None:
                raise RuntimeError((folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.1)
        time.sleep(0.5)  # it listens a moment before it lets anyone in
        yield
    finally:
        running.terminate()
        try:
            running.wait(SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()


def _run(command: list[str]) -> None:
    answer = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS * 3, stdin=subprocess.DEVNULL, cwd="/")
    if answer.returncode:
        raise RuntimeError(f"{command[0]} ended with {answer.returncode}: {(answer.stdout + answer.stderr)[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


KEYS = {
    "emp": ["(boss) -> emp(id)"],
    "first": ["(other) -> second(id)"],
    "second": ["(other) -> first(id)"],
    "of_pair": ["(a, b) -> pair(a, b)"],
}
UNIQUE = {"Order Items": (("Group%By(x):y",),)}


def foreign_keys(metadata: Metadata) -> dict[str, list[str]]:
    return {name: [str(key) for key in table.foreign_keys] for name, table in metadata.tables.items() if table.foreign_keys}
