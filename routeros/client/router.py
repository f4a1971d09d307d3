"""HotspotRouter: what we ask of a hotspot router, as verbs over one Link. No retry, no policy, no wishes in here.

Commands and their arguments: MikroTik manual, HotSpot CLI reference. Traps raise the classes of routeros.errors.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, Self, TypeVar, Unpack

from routeros import menus
from routeros.client.link import IN_FLIGHT, Command, Link, Reply, Resolve
from routeros.errors import AlreadyExists, BadReply, NoSuchItem, RouterError
from routeros.menus import Menu
from routeros.values import (
    ActiveSession,
    Clock,
    CookieRow,
    Ended,
    HostRow,
    HotspotUser,
    Identity,
    Resource,
    RouterAddress,
    RowResult,
    ServerProfile,
    UserChanges,
    UserProfile,
    profile_changes,
)
from routeros.words import Row, any_of, attribute

T = TypeVar("T")

NAMES_PER_QUERY: Final = 50
IDS_PER_REMOVE: Final = 100

_ID: Final = re.compile(r"\*[0-9A-Fa-f]{1,16}")


class HotspotRouter:
    """One router. Cheap to make; connects at the first verb and stays connected; usable as `async with`.

    Every verb raises Unreachable, AuthFailed or Refused (routeros.errors) and may be called from several tasks.
    After Unreachable a write may or may not have happened: read before believing.
    """

    def __init__(
        self,
        address: RouterAddress,
        *,
        connect_timeout: float = 5.0,
        command_timeout: float = 10.0,
        resolve: Resolve | None = None,
    ) -> None:
        """`resolve` is asked at every dial, with host and port, for the address to dial instead of the host."""
        self._link = Link(address, connect_timeout=connect_timeout, command_timeout=command_timeout, resolve=resolve)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; the next verb would open a new one."""
        await self._link.close()

    async def resource(self) -> Resource:
        return await self._one(menus.RESOURCE)

    async def identity(self) -> Identity:
        return await self._one(menus.IDENTITY)

    async def clock(self) -> Clock:
        return await self._one(menus.CLOCK)

    async def users(self, names: Iterable[str] | None = None) -> list[HotspotUser]:
        """All hotspot users, or only those named."""
        return await self._rows(menus.USERS, key="name", values=names)

    async def user_profiles(self) -> list[UserProfile]:
        return await self._rows(menus.USER_PROFILES)

    async def active(self, users: Iterable[str] | None = None) -> list[ActiveSession]:
        """All active sessions, or only those of the named users."""
        return await self._rows(menus.ACTIVE, key="user", values=users)

    async def hosts(self, addresses: Iterable[str] | None = None) -> list[HostRow]:
        """All devices the hotspot sees, or only those with these IP addresses."""
        return await self._rows(menus.HOSTS, key="address", values=addresses)

    async def cookies(self, users: Iterable[str] | None = None) -> list[CookieRow]:
        """All cookies, or only those of the named users."""
        return await self._rows(menus.COOKIES, key="user", values=users)

    async def server_profiles(self) -> list[ServerProfile]:
        return await self._rows(menus.SERVER_PROFILES)

    async def rows(self, path: str, fields: tuple[str, ...]) -> list[dict[str, str]]:
        """Any menu's rows as the router prints them, with the named fields only. For looking, not for deciding."""
        return (await self._link.ask(Command(f"{path}/print", fields=fields))).rows

    async def add_user(self, user: HotspotUser) -> None:
        """Make a hotspot user. AlreadyExists when the name is taken, BadArgument when its profile is missing."""
        await self._link.ask(_addition(user))

    async def add_users(self, users: Sequence[HotspotUser]) -> list[RowResult]:
        """Make many users, 32 in flight. One result per user, in order; never raises for the router's sake.

        A refused row does not stop the rest; once the router is lost, the rows not yet answered carry Unreachable.
        """
        results: list[RowResult] = []
        try:
            for flight in _batches(users, IN_FLIGHT):
                replies = await self._link.fly([_addition(user) for user in flight])
                results += [RowResult(user.name, reply.refusal) for user, reply in zip(flight, replies, strict=True)]
        except RouterError as error:
            results += [RowResult(user.name, error) for user in users[len(results) :]]
        return results

    async def set_user(self, name: str, **changes: Unpack[UserChanges]) -> None:
        """Change fields of one user; NoSuchItem when there is none of that name. No effect on a running session."""
        words = menus.changed_user(changes)
        await self._set(menus.USERS, name, words)

    async def ensure_user(self, user: HotspotUser) -> None:
        """Make the user, or bring the one we made earlier to these values: safe to repeat after a lost answer.

        AlreadyExists when the name belongs to a row with another comment: that one is not ours to change.
        """
        try:
            await self.add_user(user)
        except AlreadyExists:
            found = await self.users([user.name])
            if not found or any(row.comment != user.comment for row in found):
                raise
            await self._set(menus.USERS, user.name, menus.restored_user(user))

    async def remove_users(self, names: Iterable[str]) -> int:
        """Remove users, not their sessions. Names that are not there are fine. Returns how many rows went."""
        return await self._remove(menus.USERS, "name", names)

    async def ensure_user_profile(self, profile: UserProfile) -> bool:
        """Make the profile or repair its speed, devices and mac-cookie. True when something was written."""
        found = [seen for seen in await self.user_profiles() if seen.name == profile.name]
        if not found:
            await self._link.ask(Command(f"{menus.USER_PROFILES.path}/add", menus.new_profile(profile)))
            return True
        changes = profile_changes(found[0], profile)
        if changes:
            await self._set(menus.USER_PROFILES, profile.name, menus.changed_profile(changes))
        return bool(changes)

    async def log_in(self, *, ip: str, mac: str, user: str, password: str) -> None:
        """Open the internet for a phone the router already sees (/ip/hotspot/active/login); no browser needed.

        HostUnknown, WrongMac, BadCredentials, TooManySessions or LimitReached say why not.
        """
        words = [("ip", ip), ("mac-address", mac), ("user", user), ("password", password)]
        await self._link.ask(Command(f"{menus.ACTIVE.path}/login", tuple(attribute(*word) for word in words)))

    async def end_access(self, user_names: Iterable[str]) -> Ended:
        """End access for good: the user, then its active sessions, then its cookies (http and mac).

        The user goes first so that nothing can log in again in between. Already gone is fine.
        """
        names = list(dict.fromkeys(user_names))
        return Ended(
            users=await self._remove(menus.USERS, "name", names),
            sessions=await self._remove(menus.ACTIVE, "user", names),
            cookies=await self._remove(menus.COOKIES, "user", names),
        )

    async def make_room(self, user: str, *, ip: str, mac: str) -> bool:
        """End what `user` has open elsewhere than at `ip`: the session silent for longest, and its device's cookies.

        For a person who is back with another device or another MAC address, while the router still counts the old one
        (its keepalive-timeout ends that only after minutes). False: nothing of this user is in the way.
        """
        others = [
            session for session in await self.active([user]) if (session.address, session.mac_address) != (ip, mac)
        ]
        if not others:
            return False
        left = max(others, key=lambda session: session.idle_time)
        if left.mac_address != mac:
            cookies = [cookie.id for cookie in await self.cookies([user]) if cookie.mac_address == left.mac_address]
            await self._remove_ids(menus.COOKIES, cookies)  # first: a mac-cookie would log the device in again
        await self._remove_ids(menus.ACTIVE, [left.id])
        return True

    async def _one(self, menu: Menu[T]) -> T:
        rows = await self._rows(menu)
        if len(rows) != 1:
            raise BadReply(f"{menu.path} has {len(rows)} rows instead of one")
        return rows[0]

    async def _rows(self, menu: Menu[T], *, key: str = "", values: Iterable[str] | None = None) -> list[T]:
        rows = await self._print(menu, menu.fields, key=key, values=values)
        try:
            return [menu.read(Row(row)) for row in rows]
        except ValueError as unreadable:
            raise BadReply(f"{menu.path}: {unreadable}") from unreadable

    async def _print(
        self, menu: Menu[T], fields: tuple[str, ...], *, key: str = "", values: Iterable[str] | None = None
    ) -> list[dict[str, str]]:
        """Raw rows; with `values` only those whose `key` is one of them, whatever the router answers."""
        if values is None:
            return (await self._link.ask(Command(f"{menu.path}/print", fields=fields))).rows
        wanted = list(dict.fromkeys(values))
        rows: list[dict[str, str]] = []
        for some in _batches(wanted, NAMES_PER_QUERY):
            reply = await self._link.ask(Command(f"{menu.path}/print", any_of(key, some), fields))
            asked = frozenset(some)
            rows += [row for row in reply.rows if row.get(key) in asked]
        return rows

    async def _ids(self, menu: Menu[T], key: str, values: Iterable[str]) -> list[str]:
        rows = await self._print(menu, (".id", key), key=key, values=values)
        ids = [row.get(".id", "") for row in rows]
        if not all(_ID.fullmatch(each) for each in ids):
            raise BadReply(f"{menu.path}: a row without a usable id")
        return ids

    async def _set(self, menu: Menu[T], name: str, words: tuple[str, ...]) -> None:
        if not words:
            return
        ids = await self._ids(menu, "name", [name])
        if not ids:
            raise NoSuchItem(f"no such item: {menu.path} has no {name}")
        await self._link.ask(Command(f"{menu.path}/set", (attribute(".id", ",".join(ids)), *words)))

    async def _remove(self, menu: Menu[T], key: str, values: Iterable[str]) -> int:
        """Remove all rows whose `key` is one of `values`, by comma list; row by row if one vanished meanwhile.

        What a comma list with a stale id does to the other ids is not documented, hence the second look.
        """
        names, gone = list(values), set[str]()
        for ids_at_once in (IDS_PER_REMOVE, 1):
            ids = await self._ids(menu, key, names)
            gone.update(ids)
            if await self._remove_ids(menu, ids, at_once=ids_at_once):
                break
        return len(gone)

    async def _remove_ids(self, menu: Menu[T], ids: Sequence[str], *, at_once: int = 1) -> bool:
        """False when one of them had vanished already."""
        commands = [
            Command(f"{menu.path}/remove", (attribute(".id", ",".join(some)),)) for some in _batches(ids, at_once)
        ]
        refusals = [reply.refusal for reply in await self._all(commands) if reply.refusal]
        for refusal in refusals:
            if not isinstance(refusal, NoSuchItem):
                raise refusal
        return not refusals

    async def _all(self, commands: Sequence[Command]) -> list[Reply]:
        return [reply for flight in _batches(commands, IN_FLIGHT) for reply in await self._link.fly(flight)]


def _addition(user: HotspotUser) -> Command:
    return Command(f"{menus.USERS.path}/add", menus.new_user(user))


def _batches(items: Sequence[T], size: int) -> list[Sequence[T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
