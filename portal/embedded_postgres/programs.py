"""Runs PostgreSQL's own programs for the launcher: initdb, the server under its watchdog, psql. Decides nothing.

Children get a clean environment: no PG* variables that would bend them, and none of our secrets.
"""

import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

from portal.embedded_postgres.binaries import Binaries
from portal.embedded_postgres.errors import StartFailed
from portal.embedded_postgres.folder import Note
from portal.embedded_postgres.privileges import Account
from portal.embedded_postgres.tuning import MALLOC, initdb_options, server_options

# The watchdog: parent of postgres, so the pid it signals cannot have been reused, and reader of a pipe whose other end
# only the owner has. End of file = the owner let go or died, even by kill -9: stop the server ("fast", SIGINT). Its
# standard output is the lock, which it hands to the server as descriptor 9 and then lets go of, so that only postgres
# processes hold it. A service manager's SIGTERM to everybody must not end the watchdog before the server.
_WATCHDOG = """
trap '' HUP INT TERM
"$@" 9>&1 >&2 </dev/null &
server=$!
exec >&-
read -r _
kill -INT "$server" 2>/dev/null
wait "$server"
"""

# psql reads these; :'name' is quoted by psql itself, so no value is ever pasted into SQL.
_MAKE_DATABASE = """
SELECT format('CREATE DATABASE %I', :'database')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \\gexec
"""
_LET_IN_BY_TCP = """
SELECT format('ALTER ROLE %I PASSWORD %L', current_user, :'password') \\gexec
"""


class NotAnswering(Exception):  # noqa: N818  (said of the server, and often no error)
    """psql could not do its work now but may later: the server starts or stops, or another start was quicker."""


def initialise(binaries: Binaries, cluster: Path, user: str, *, account: Account, lock: int, log: Path) -> None:
    """Make a new cluster at `cluster`, all or nothing: a power cut in between leaves only a draft to throw away.

    initdb holds the lock too: if we are killed meanwhile, the next start waits until it has ended.
    Raises StartFailed with initdb's own words.
    """
    draft = cluster.with_name("cluster.new")
    _remove(draft)
    draft.mkdir(mode=0o700)
    if account.uid is not None:
        os.chown(draft, account.uid, account.gid or 0)
    command = [*account.prefix, binaries.program("initdb"), f"--pgdata={draft}", f"--username={user}"]
    command += initdb_options(binaries.major, platform=sys.platform)
    with log.open("a+b") as output:
        start = output.seek(0, os.SEEK_END)
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,  # a file, never a pipe: whoever inherits a pipe keeps its reader waiting
            stderr=output,
            cwd="/",
            env=_environment(),
            pass_fds=(lock,),
            check=False,
            user=account.uid,
            group=account.gid,
            extra_groups=account.groups,
        )
    if done.returncode != 0:
        raise StartFailed(explain("PostgreSQL could not make a new data folder.", last_words(log, start)))
    draft.rename(cluster)
    folder = os.open(cluster.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # initdb has synced what is in it; this makes the new name last
    finally:
        os.close(folder)


def spawn_server(
    binaries: Binaries,
    cluster: Path,
    socket_folder: Path,
    *,
    account: Account,
    lock: int,
    log: BinaryIO,
    port: int | None,
) -> subprocess.Popen[bytes]:
    """Start the watchdog and, under it, the server; closing the result's `stdin` stops the server."""
    server = [*account.prefix, binaries.program("postgres"), "-D", str(cluster), "-k", str(socket_folder)]
    server += ["-p", str(port or 5432), "-c", f"listen_addresses={'127.0.0.1' if port else ''}"]
    server += server_options(binaries.major)
    return subprocess.Popen(
        ["/bin/sh", "-c", _WATCHDOG, "vocha-postgres", *server],
        stdin=subprocess.PIPE,
        stdout=lock,
        stderr=log,
        cwd="/",
        env=_environment(),
        start_new_session=True,  # Ctrl-C in the terminal is for the owner, who then stops the server in order
        user=account.uid,
        group=account.gid,
        extra_groups=account.groups,
    )


def make_database(binaries: Binaries, note: Note, *, user: str, database: str, password: str | None) -> None:
    """See that the database exists and, with a password, that `user` has it for TCP. Repeatable.

    Raises NotAnswering when it is worth trying again, StartFailed when it is not.
    """
    script, values = _MAKE_DATABASE, [f"--set=database={database}"]
    if password is not None:
        script += _LET_IN_BY_TCP
    command = [binaries.program("psql"), "-X", "-q", "-w", "--set=ON_ERROR_STOP=1", *values]
    command += [f"--host={note.socket_folder}", f"--port={note.port}", f"--username={user}", "--dbname=postgres"]
    # The password goes in by standard input, because everybody can read a command line.
    opening = "" if password is None else f"\\set password '{password}'\n"
    done = subprocess.run(
        command,
        input=(opening + script).encode(),
        capture_output=True,
        cwd="/",
        env=_environment(),
        timeout=60,
        check=False,
    )
    if done.returncode == 0:
        return
    words = done.stderr.decode(errors="replace").strip()
    if done.returncode == 2 and f'role "{user}" does not exist' in words:
        raise StartFailed(f"This data folder belongs to another database user than {user}: {words}")
    if done.returncode == 2 or "already exists" in words or "duplicate key" in words:
        raise NotAnswering(words)
    raise StartFailed(explain(f"The database {database} could not be made.", words))


def tcp_password(file: Path) -> str:
    """The password for TCP connections, made once and kept in `file` (mode 0600)."""
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        password = secrets.token_hex(24)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as output:
            output.write(f"{password}\n")
        return password


def last_words(log: Path, start: int) -> str:
    """What the log says since byte `start`: its FATAL, PANIC and error lines, else its last lines (2000 bytes)."""
    with log.open("rb") as file:
        file.seek(start)
        lines = file.read()[-20_000:].decode(errors="replace").splitlines()
    loud = [line for line in lines if any(word in line for word in ("FATAL:", "PANIC:", "error:"))]
    return "\n".join(loud or lines)[-2000:]


def explain(what: str, words: str) -> str:
    """An error text: what happened, what to do if the cause is a known one, and the server's own words."""
    for sign, advice in _ADVICE:
        if sign in words:
            return f"{what} {advice}\n{words}"
    return f"{what}\n{words}"


_ADVICE = (
    ("No space left on device", "The disk is full: free some space and start again; no data is lost."),
    ("Address already in use", "Another program listens on that TCP port: choose another one, or none."),
    ("could not create any TCP/IP sockets", "Another program listens on that TCP port: choose another one, or none."),
    ("Cannot allocate memory", "There is not enough free memory: stop another program, or add swap space."),
    ("pre-existing shared memory block", "Another PostgreSQL server is using this data: stop that one first."),
    (
        "Read-only file system",
        "The disk is mounted read-only, often after a fault: check it (fsck) and mount it again.",
    ),
    ("Input/output error", "The disk reports errors: copy the data folder to a healthy disk now."),
)


def _environment() -> dict[str, str]:
    kept = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C"} | MALLOC


def _remove(tree: Path) -> None:
    if tree.is_symlink() or not tree.exists():
        return
    for folder, names, files in os.walk(tree, topdown=False):
        for name in files:
            (Path(folder) / name).unlink()
        for name in names:
            inner = Path(folder) / name
            inner.unlink() if inner.is_symlink() else inner.rmdir()
    tree.rmdir()
