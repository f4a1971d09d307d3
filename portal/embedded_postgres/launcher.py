"""EmbeddedPostgres: starts, attaches to and stops one PostgreSQL server whose data lies in a folder. The public door.

Whoever starts the server owns it: it ends when the owner calls stop(), exits, or dies by kill -9. A second start, also
from another process, attaches to the live server and never stops it.
"""

import asyncio
import logging
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Never, Self
from urllib.parse import quote

from portal.embedded_postgres import programs
from portal.embedded_postgres.binaries import Binaries, find_binaries
from portal.embedded_postgres.errors import AnotherServer, NotRunning, StartFailed, StopFailed
from portal.embedded_postgres.folder import Folder, Note
from portal.embedded_postgres.privileges import Account, choose_account, hand_over
from portal.embedded_postgres.relocation import copy_binaries, move_data

_log = logging.getLogger(__name__)
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_LOOK_AGAIN = 0.005  # seconds


class EmbeddedPostgres:
    """A PostgreSQL server on `data_dir` (a folder for it alone; made if absent), by socket only unless `port` is given.

    With a port it also listens on 127.0.0.1 and asks for a password (SCRAM), see `tcp_dsn`. The socket asks for none:
    its folder is open to the server's account and root only. `user` is a superuser of this server.

    A process that forks without exec (multiprocessing "fork") shares ownership with its child: spawn instead.
    """

    def __init__(
        self, data_dir: Path, *, port: int | None = None, database: str = "vocha", user: str = "vocha"
    ) -> None:
        for name in (database, user):
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r}: write database and user names in small letters, digits and _")
        self.database = database
        self.user = user
        self.port = port
        self._folder = Folder(data_dir)
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._note: Note | None = None
        # A start in a thread goes on when its task is cancelled; a stop that comes meanwhile waits, and then stops it.
        self._turn = threading.Lock()

    def start(self, *, timeout: float = 300.0) -> Self:
        """Start the server or attach to the running one; returns when it answers and the database exists.

        `timeout` (seconds) is long because a recovery after a power cut on a slow disk may be. Raises the errors of
        `errors.py`; a failed start leaves nothing running. Repeatable, also after the server was killed.
        """
        with self._turn:
            return self._start(timeout)

    def stop(self, *, timeout: float = 20.0) -> None:
        """Stop the server if this object started it, without losing anything; otherwise only let go. Repeatable.

        Clients are cut off, open transactions rolled back. After `timeout` seconds the server is ended at once, which
        is safe (it recovers at the next start). Raises StopFailed if even that did not work.
        """
        with self._turn:
            self._stop(timeout)

    async def start_async(self, *, timeout: float = 300.0) -> Self:  # noqa: ASYNC109 - the deadline is the launcher's
        """start() without blocking the event loop."""
        return await asyncio.to_thread(self.start, timeout=timeout)

    async def stop_async(self, *, timeout: float = 20.0) -> None:  # noqa: ASYNC109
        """stop() without blocking the event loop."""
        await asyncio.to_thread(self.stop, timeout=timeout)

    @property
    def dsn(self) -> str:
        """URL for asyncpg, psql and Piccolo, by the socket and without a password. Raises NotRunning."""
        note = self._known()
        return f"postgresql://{self.user}@/{self.database}?host={quote(str(note.socket_folder))}&port={note.port}"

    @property
    def tcp_dsn(self) -> str:
        """URL by TCP on 127.0.0.1, with the password in it: never log it. Raises NotRunning, also without a port."""
        note = self._known()
        if not note.tcp_address:
            raise NotRunning("The embedded PostgreSQL listens on its socket only; start it with a port for TCP.")
        password = programs.tcp_password(self._password_file)
        return f"postgresql://{self.user}:{password}@{note.tcp_address}:{note.port}/{self.database}"

    @property
    def postmaster_pid(self) -> int:
        """Process id of the server's first process. Raises NotRunning, also when it died in the meantime."""
        note = self._known()
        if not self.is_running:
            raise NotRunning("The embedded PostgreSQL has ended; start it again.")
        return note.pid

    @property
    def is_running(self) -> bool:
        """Whether any process of the server is alive now; asks the kernel, not a file."""
        if not self._folder.path.exists():
            return False
        lock = self._folder.try_lock()
        if lock is not None:
            os.close(lock)
        return lock is None

    @property
    def is_owner(self) -> bool:
        """Whether this object started the server, so that its stop() or its death ends it."""
        return self._watchdog is not None

    @property
    def log_path(self) -> Path:
        """The server's own messages."""
        return self._folder.log

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _password_file(self) -> Path:
        return self._folder.path / "tcp-password"

    def _known(self) -> Note:
        if self._note is None:
            raise NotRunning("The embedded PostgreSQL is not started; call start() first.")
        return self._note

    def _start(self, timeout: float) -> Self:
        began = time.monotonic()
        self._folder.prepare()
        launch: tuple[Binaries, int] | None = None
        why_not: str | None = None
        while time.monotonic() - began < timeout:
            lock = self._folder.try_lock()
            if lock is not None:
                try:
                    if launch is not None:
                        self._fail_with_last_words(launch[1])
                    launch = self._launch(lock)
                finally:
                    os.close(lock)
            note = self._folder.note()
            if note is not None and note.is_ready:
                binaries = launch[0] if launch else find_binaries(self._folder.written_by_major())
                why_not = self._greet(binaries, note)
                if why_not is None:
                    if launch is None and self._note is not None and self._note.pid != note.pid:
                        self._dismiss_watchdog()  # ours died, and another process was quicker to start a new one
                    self._note = note
                    how = "started" if self.is_owner else "attached to"
                    _log.info("%s PostgreSQL %d in %.2f s", how, binaries.major, time.monotonic() - began)
                    return self
            time.sleep(_LOOK_AGAIN)
        self._stop()
        reason = f": {why_not}" if why_not else ""
        raise StartFailed(f"PostgreSQL was not ready after {timeout:.0f} s{reason}. Its log: {self._folder.log}")

    def _stop(self, timeout: float = 20.0) -> None:
        note, self._note = self._note, None
        if not self.is_owner:
            return
        self._dismiss_watchdog(timeout)
        if note is not None and note.pid == self._folder.pid_in_file() and self.is_running:
            # Somebody killed the watchdog: our server is still there, without a parent.
            self._signal_server(signal.SIGINT)
            if not self._is_over_within(timeout):
                raise StopFailed(f"PostgreSQL does not end; see {self._folder.log}")

    def _fail_with_last_words(self, log_start: int) -> Never:
        """The lock is free again: the server that we started ended by itself, so it could only have failed."""
        words = programs.last_words(self._folder.log, log_start)
        self._dismiss_watchdog()
        raise StartFailed(programs.explain("PostgreSQL did not start.", words))

    def _launch(self, lock: int) -> tuple[Binaries, int]:
        """With the lock in hand, start the server; returns its programs and where in the log its words begin."""
        self._dismiss_watchdog()  # one whose server died
        folder = self._folder
        major = folder.written_by_major()
        binaries = find_binaries(major)
        self._refuse_other_server()
        account, binaries = self._settle(binaries)
        folder.rotate_log()
        with folder.log.open("ab") as log:
            folder.log.chmod(0o600)
            if major is None:
                programs.initialise(binaries, folder.cluster, self.user, account=account, lock=lock, log=folder.log)
            socket_folder = folder.socket_folder(account)
            # We hold the lock, so no server of ours is alive, and the last check found no other: the numbers in these
            # files are stale and may be anybody's by now. PostgreSQL would refuse to start because of them.
            for stale in (folder.cluster / "postmaster.pid", *socket_folder.glob(".s.PGSQL.*")):
                stale.unlink(missing_ok=True)
            begins = log.seek(0, os.SEEK_END)
            self._watchdog = programs.spawn_server(
                binaries, folder.cluster, socket_folder, account=account, lock=lock, log=log, port=self.port
            )
        return binaries, begins

    def _settle(self, binaries: Binaries) -> tuple[Account, Binaries]:
        """Choose the account and see that it can reach and owns what it needs."""
        folder = self._folder
        account = choose_account(binaries=binaries.folder, data=folder.home)
        if not account.reaches_binaries:
            binaries = copy_binaries(binaries)
        if not account.reaches_data:
            folder.home = move_data(folder.path)
        if folder.cluster.exists() and os.geteuid() == 0:
            hand_over(folder.cluster, account)
        return account, binaries

    def _refuse_other_server(self) -> None:
        pid = self._folder.pid_in_file()
        if pid is not None and self._folder.is_served_by(pid):
            raise AnotherServer(
                f"Process {pid} is a PostgreSQL server on {self._folder.cluster} that Vocha did not start. "
                "Stop it first (pg_ctl stop), then start again."
            )

    def _greet(self, binaries: Binaries, note: Note) -> str | None:
        """Speak to the server; None when all is well, else why it is worth trying again. Raises StartFailed."""
        try:
            self._refuse_without_port(note)
            password = None
            if self.port is not None and self.is_owner:
                password = programs.tcp_password(self._password_file)
            programs.make_database(binaries, note, user=self.user, database=self.database, password=password)
        except programs.NotAnswering as error:
            return str(error)
        except StartFailed:
            self._stop()
            raise
        return None

    def _refuse_without_port(self, note: Note) -> None:
        if self.port is not None and (not note.tcp_address or note.port != self.port):
            raise StartFailed(
                f"The PostgreSQL on {self._folder.path} is already running without TCP port {self.port}. "
                "Stop the program that started it, or do not ask for that port."
            )

    def _dismiss_watchdog(self, timeout: float = 20.0) -> None:
        watchdog, self._watchdog = self._watchdog, None
        if watchdog is None or watchdog.stdin is None:
            return
        watchdog.stdin.close()
        try:
            watchdog.wait(timeout)
        except subprocess.TimeoutExpired:
            self._signal_server(signal.SIGQUIT)
            watchdog.wait(10)

    def _signal_server(self, number: signal.Signals) -> None:
        pid = self._folder.pid_in_file()
        if pid is not None and self._folder.is_served_by(pid):
            os.kill(pid, number)

    def _is_over_within(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while self.is_running:
            if time.monotonic() > end:
                return False
            time.sleep(_LOOK_AGAIN)
        return True
