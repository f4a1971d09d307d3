"""Under which account the server runs. PostgreSQL refuses root, so root needs another way; a user stays himself.

Root, in this order: the account that already owns the data, `postgres`, `nobody`; if none of them can reach the
programs and the data (a home folder closed to others), a user namespace in which root is called nobody; where
namespaces are forbidden (chroot, plain container), files are kept in a place that the account can reach. No account is
made, and no folder of other people is opened.
"""

import contextlib
import functools
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from portal.embedded_postgres.errors import FolderUnusable

_NAMESPACE = ("unshare", "--user", "--map-user=65534", "--map-group=65534")


@dataclass(frozen=True, slots=True)
class Account:
    """How to start a PostgreSQL program: as which user (None: as ourselves) and behind which command words."""

    name: str
    uid: int | None = None
    gid: int | None = None
    prefix: tuple[str, ...] = ()
    reaches_binaries: bool = True
    reaches_data: bool = True

    @property
    def groups(self) -> tuple[int, ...] | None:
        """Further groups for a child process: none at all under another account, unchanged under our own."""
        return None if self.uid is None else ()

    @property
    def owner_uid(self) -> int:
        """The user id, as seen from outside any namespace, that must own the data."""
        return os.geteuid() if self.uid is None else self.uid


def choose_account(*, binaries: Path, data: Path) -> Account:
    """The account to run the server under; `data` is the folder that will hold the cluster and must exist.

    With `reaches_binaries` or `reaches_data` false, the caller has to move that part where the account can reach it.
    Raises FolderUnusable if we are root and the system has neither another account nor namespaces.
    """
    if os.geteuid() != 0:
        return Account(name=str(os.geteuid()))
    others = list(_other_accounts(data))
    for entry in others:
        if is_reachable(binaries, entry.pw_uid) and is_reachable(data, entry.pw_uid):
            return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
    if _namespaces_work():
        return Account(name="root in a user namespace", prefix=_NAMESPACE)
    if not others:
        raise FolderUnusable(
            "PostgreSQL refuses to run as root, and this system has neither a `nobody` account nor user namespaces. "
            "Start Vocha as an ordinary user."
        )
    entry = others[0]
    return Account(
        name=entry.pw_name,
        uid=entry.pw_uid,
        gid=entry.pw_gid,
        reaches_binaries=is_reachable(binaries, entry.pw_uid),
        reaches_data=is_reachable(data, entry.pw_uid),
    )


def is_reachable(path: Path, uid: int) -> bool:
    """Whether a process of `uid` without groups may walk from / to `path` and enter it (or run it)."""
    for step in (path, *path.parents):
        seen = step.stat()
        needed = stat.S_IXUSR if seen.st_uid == uid else stat.S_IXOTH
        if not seen.st_mode & needed:
            return False
    return True


def hand_over(tree: Path, account: Account) -> None:
    """Give a folder and all in it to the account, if its top is somebody else's. For root; links are not followed."""
    if tree.lstat().st_uid == account.owner_uid:
        return
    gid = os.getegid() if account.gid is None else account.gid
    for folder, _, files in os.walk(tree):
        for name in (folder, *(str(Path(folder) / file) for file in files)):
            os.chown(name, account.owner_uid, gid, follow_symlinks=False)


def _other_accounts(data: Path) -> Iterator[pwd.struct_passwd]:
    cluster = data / "cluster"
    names: list[str] = ["postgres", "nobody"]
    if cluster.is_dir() and cluster.stat().st_uid != 0:
        # The owner's account may have been removed since: hand_over() then gives the data to one that exists.
        with contextlib.suppress(KeyError):
            names.insert(0, pwd.getpwuid(cluster.stat().st_uid).pw_name)
    for name in dict.fromkeys(names):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            yield entry


@functools.cache
def _namespaces_work() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*_NAMESPACE, "true"], capture_output=True, check=False).returncode == 0
