"""Hotspot users by the hundred, made by scripts the router runs itself: uploaded, imported, removed, and read back.

What could not be made so, and why, is not told here: whoever asks adds the rest one by one and hears the router's own words.
MikroTik manual: Files (`/file/add` is there since 7.9; contents up to 60 KB), User (files need the policy `ftp`), Scripting.
"""

import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final

from routeros import menus
from routeros.client.link import Link
from routeros.client.rows import read_all
from routeros.client.wire import Command, Reply
from routeros.doctor.versions import read_version
from routeros.errors import NoSuchItem, RouterError
from routeros.script.quoting import quote
from routeros.values import HotspotUser
from routeros.words import attribute

log = logging.getLogger(__name__)

#: Fewer users than this are not worth the files.
MANY: Final = 200
#: Contents of 60 KB are documented for newer versions only; before `/file/read` came with 7.13 they were 4 KB (inferred).
SINCE: Final = (7, 13)
#: Bytes of a part, about 150 users: half of what a file may hold, and what a small board works off in some seconds.
LONGEST: Final = 30_000
#: Command timeouts an import may be silent for: it is the work of a hundred commands, and others may be ahead of it.
PATIENCE: Final = 6

_OURS: Final = re.compile(r"(?:flash/)?vocha-bulk-[0-9a-f]{16}\.rsc", re.ASCII)
_FILES: Final = Command("/file/print", fields=(".id", "name"))
#: What decides whether scripts are tried. Somebody whose rights are not listed (known by RADIUS only) is let try.
_QUESTIONS: Final = (
    Command("/system/resource/print", fields=("version",)),
    _FILES,
    Command("/user/print", fields=("name", "group")),
    Command("/user/group/print", fields=("name", "policy")),
)

#: Gets the replies to what was asked besides, after the upload and before the router runs anything.
Prepare = Callable[[Sequence[Reply]], Awaitable[None]]


def scripts(users: Sequence[HotspotUser]) -> dict[str, str]:
    """Scripts that add the users, by the random names of their files; each removes its file when it has run.

    A name that is taken is passed over: a script changes no row, whoever it belongs to. Every value is a string literal.
    ValueError for what cannot be sent to a router, as when it is added by a command.
    """
    parts: dict[str, list[str]] = {}
    lines: list[str] = []
    room = 0
    for line in map(_line, users):
        room -= len(line) + 1
        if room < 0:
            name = f"vocha-bulk-{secrets.token_hex(8)}.rsc"
            last = f":do {{/file remove [find where name={quote(name)}]}} on-error={{}}"
            lines = parts[name] = [last]
            room = LONGEST - len(last) - len(line) - 2
        lines.insert(-1, line)
    return {name: "\n".join((*lines, "")) for name, lines in parts.items()}


def _line(user: HotspotUser) -> str:
    words = (word[1:].split("=", 1) for word in menus.new_user(user))
    arguments = " ".join(f"{name}={quote(value)}" for name, value in words)
    return f":do {{/ip hotspot user add {arguments}}} on-error={{}}"


class Bulk:
    """Makes users over one Link by scripts, where version, policy and space allow it; remembers for a connection where not."""

    def __init__(self, link: Link, *, least: int = MANY) -> None:
        """`least`: fewer users than this are not worth the files."""
        self._link = link
        self._least = least
        #: The last connection (Link.dials) on which no script is tried, and the one on which they are known to work.
        self._not_until = -1
        self._able_at = -1
        #: Files that may stand on the router, and those whose work is not over.
        self._left: set[str] = set()
        self._in_use: set[str] = set()

    def suits(self, users: Sequence[HotspotUser]) -> bool:
        """Whether it is worth a try."""
        return len(users) >= self._least and self._link.dials > self._not_until

    @property
    def is_untidy(self) -> bool:
        """Whether files of a run that was cut short may still be there."""
        return bool(self._left - self._in_use)

    async def tidy(self) -> None:
        """Remove files of runs that were cut short, also those of a process that is no more. Two flights."""
        [shown] = await self._link.fly([_FILES])
        removals = self._removals_of_strays(shown.rows)
        if removals:
            await self._link.fly(removals)
        self._left &= self._in_use

    async def make(
        self, users: Sequence[HotspotUser], *, besides: Sequence[Command] = (), prepare: Prepare | None = None
    ) -> set[str]:
        """Names of those that are there now as wanted; none where the router takes no scripts, which is no error.

        Three flights, and one before them for `besides` and what a new connection may do.
        Raises as the Link does: then nothing is known, and it may be repeated.
        """
        parts = scripts(users)
        self._in_use |= parts.keys()
        try:
            if not await self._upload(parts, besides, prepare):
                return set()
            return await self._run(parts, users)
        finally:
            self._in_use -= parts.keys()

    async def _upload(self, parts: Mapping[str, str], besides: Sequence[Command], prepare: Prepare | None) -> bool:
        is_known = self._able_at == self._link.dials
        questions = () if is_known else _QUESTIONS
        uploads = [_upload(name, text) for name, text in parts.items()]
        replies: list[Reply] = []
        if besides or questions:
            replies = await self._link.fly([*besides, *questions])
        if not is_known:
            if not await self._is_able(replies[len(besides) :]):
                self._not_until = self._link.dials
                return False
            self._able_at = self._link.dials
        self._left.update(parts)
        sent = await self._link.fly(uploads)
        self._left -= {name for name, reply in zip(parts, sent, strict=True) if reply.refusal}
        if not self._accepted(sent):
            await self._give_up(parts)
            return False
        if prepare:
            await prepare(replies[: len(besides)])
        return True

    async def _is_able(self, answers: Sequence[Reply]) -> bool:
        """Whether version and policy allow files. What earlier runs left is removed on the way."""
        version, files, users, groups = answers
        if strays := self._removals_of_strays(files.rows):
            await self._link.fly(strays)
        group = next((row.get("group") for row in users.rows if row.get("name") == self._link.user), None)
        policy = next((row.get("policy", "") for row in groups.rows if row.get("name") == group), "ftp")
        able = _is_new_enough(version) and "ftp" in policy.split(",")
        if not able:
            log.info("router %s: its version or our rights there are not for scripts", self._link.name)
        return able

    def _accepted(self, replies: Iterable[Reply]) -> bool:
        refused = next((reply.refusal for reply in replies if reply.refusal), None)
        if refused:
            log.info("router %s takes no scripts: %s", self._link.name, type(refused).__name__)
        return refused is None

    async def _give_up(self, parts: Iterable[str]) -> None:
        self._not_until = self._link.dials
        sent = [name for name in parts if name in self._left]
        self._note_removals(sent, await self._link.fly([_removal(name) for name in sent]))

    async def _run(self, parts: Mapping[str, str], users: Sequence[HotspotUser]) -> set[str]:
        imports = [Command("/import", (attribute("file-name", name),)) for name in parts]
        try:
            ran = await self._link.fly(imports, patience=PATIENCE)
        except RouterError:
            self._not_until = self._link.dials + 1  # perhaps it was too much for the board: next time without
            raise
        look = Command(f"{menus.USERS.path}/print", fields=menus.USERS.fields)
        shown, *removed = await self._link.fly([look, *map(_removal, parts)])
        self._note_removals(parts, removed)
        if shown.refusal:
            raise shown.refusal
        made = _made(users, read_all(menus.USERS, shown.rows))
        if not made or not self._accepted(ran):
            self._not_until = self._link.dials
        return made

    def _note_removals(self, names: Iterable[str], replies: Iterable[Reply]) -> None:
        """A file that removed itself is no such item; one that the router would not remove is tidied up later."""
        self._left -= {
            name
            for name, reply in zip(names, replies, strict=True)
            if reply.refusal is None or isinstance(reply.refusal, NoSuchItem)
        }

    def _removals_of_strays(self, rows: Iterable[Mapping[str, str]]) -> list[Command]:
        strays = [row[".id"] for row in rows if _is_ours(row) and row["name"] not in self._in_use]
        return [_removal(each) for each in strays]


def _upload(name: str, text: str) -> Command:
    # The text is words of ours with line ends between them, which attribute() refuses in anybody's text.
    return Command("/file/add", (attribute("name", name), f"=contents={text}"))


def _removal(ref: str) -> Command:
    """Removes a file by its name, or by an id that was just read: the ids of files do not last."""
    return Command("/file/remove", (attribute("numbers", ref),))


def _is_ours(row: Mapping[str, str]) -> bool:
    return ".id" in row and _OURS.fullmatch(row.get("name", "")) is not None


def _is_new_enough(reply: Reply) -> bool:
    version = read_version(reply.rows[0].get("version", "")) if reply.rows else None
    return version is not None and version >= SINCE


def _made(users: Sequence[HotspotUser], rows: Iterable[HotspotUser]) -> set[str]:
    by_name: dict[str, list[HotspotUser]] = {}
    for row in rows:
        by_name.setdefault(row.name, []).append(row)
    return {user.name for user in users if any(_is_same(row, user) for row in by_name.get(user.name, ()))}


def _is_same(row: HotspotUser, user: HotspotUser) -> bool:
    """Whether the row is what was wanted, as far as the router shows it: without the policy `sensitive` no password."""
    return (
        (row.comment, row.profile, row.server, row.mac_address, row.is_disabled)
        == (user.comment, user.profile, user.server, user.mac_address.upper(), user.is_disabled)
        and (row.limit_uptime, row.limit_bytes_total) == (user.limit_uptime, user.limit_bytes_total)
        and row.password in {None, user.password}
    )
