"""HotspotRouter: what we ask of a hotspot router, as verbs over one Link. No retry, no policy, no wishes in here.

Commands and their arguments: MikroTik manual, HotSpot CLI reference. Traps raise the classes of routeros.errors.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self, TypeVar, Unpack

from routeros import looking, menus
from routeros.client.budget import Budget
from routeros.client.bulk import MANY
from routeros.client.dialins import DialinWriter
from routeros.client.link import Link, Resolve
from routeros.client.making import Maker, addition
from routeros.client.rows import Held, Rows, results_of
from routeros.client.wire import Command
from routeros.dialins import DialinOperation
from routeros.errors import BadReply, Refused, RouterError
from routeros.looking import DeviceMode, GardenAddress, GardenHost, License, LogLine
from routeros.menus import Menu
from routeros.values import (
    ActiveSession,
    BindingRow,
    Clock,
    CookieRow,
    Ended,
    HostRow,
    HotspotUser,
    Identity,
    LogIn,
    Resource,
    RouterAddress,
    RowResult,
    ServerProfile,
    UserChanges,
    UserProfile,
)
from routeros.words import attribute

T = TypeVar("T")

_USERS = Held(menus.USERS, "name")
_SESSIONS = Held(menus.ACTIVE, "user")
_COOKIES = Held(menus.COOKIES, "user")


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
        budget: Budget | None = None,
        scripts_from: int = MANY,
    ) -> None:
        """`resolve` is asked at every dial, with host and port, for the address to dial instead of the host. Routers that
        are given the same `budget` share it for their replies. `scripts_from`: so many new users are worth a script."""
        self._link = Link(
            address, connect_timeout=connect_timeout, command_timeout=command_timeout, resolve=resolve, budget=budget
        )
        self._rows = Rows(self._link)
        self._dialins = DialinWriter(self._link, self._rows)
        self._maker = Maker(self._link, self._rows, scripts_from=scripts_from)

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
        return await self._rows.of(menus.USERS, key="name", values=names)

    async def user_profiles(self) -> list[UserProfile]:
        return await self._rows.of(menus.USER_PROFILES)

    async def active(self, users: Iterable[str] | None = None) -> list[ActiveSession]:
        """All active sessions, or only those of the named users."""
        return await self._rows.of(menus.ACTIVE, key="user", values=users)

    async def hosts(self, addresses: Iterable[str] | None = None) -> list[HostRow]:
        """All devices the hotspot sees, or only those with these IP addresses."""
        return await self._rows.of(menus.HOSTS, key="address", values=addresses)

    async def cookies(self, users: Iterable[str] | None = None) -> list[CookieRow]:
        """All cookies, or only those of the named users."""
        return await self._rows.of(menus.COOKIES, key="user", values=users)

    async def server_profiles(self) -> list[ServerProfile]:
        return await self._rows.of(menus.SERVER_PROFILES)

    async def ip_bindings(self) -> list[BindingRow]:
        """Devices that pass the hotspot, are kept out, or get another address."""
        return await self._rows.of(menus.BINDINGS)

    async def walled_garden(self) -> list[GardenHost]:
        """Hosts that may be seen before login."""
        return await self._rows.of(looking.GARDEN)

    async def walled_garden_addresses(self) -> list[GardenAddress]:
        """Addresses that may be reached before login."""
        return await self._rows.of(looking.GARDEN_ADDRESSES)

    async def license(self) -> License:
        return await self._one(looking.LICENSE)

    async def device_mode(self) -> DeviceMode:
        """What the board may do at all; BadArgument from versions that have no device-mode."""
        return await self._one(looking.DEVICE_MODE)

    async def log(self) -> list[LogLine]:
        """What the router keeps of its log in memory, oldest first."""
        return await self._rows.of(looking.LOG)

    async def look(self, *menus: Menu[Any]) -> list[list[Any] | Refused]:
        """All rows of several menus in one round trip; a menu the router does not show is its refusal.

        What is read together is read in no certain order.
        """
        return await self._rows.together(*menus)

    async def rows(self, menus: Mapping[str, tuple[str, ...]]) -> dict[str, list[dict[str, str]] | Refused]:
        """Rows of any menus as the router prints them, by path, with the named fields only; one round trip. A menu it does not
        show is its refusal. For looking, not for deciding."""
        replies = await self._link.fly([Command(f"{path}/print", fields=fields) for path, fields in menus.items()])
        return {path: reply.refusal or reply.rows for path, reply in zip(menus, replies, strict=True)}

    async def add_user(self, user: HotspotUser) -> None:
        """Make a hotspot user. AlreadyExists when the name is taken, BadArgument when its profile is missing."""
        await self._link.ask(addition(user))

    async def add_users(self, users: Sequence[HotspotUser]) -> list[RowResult]:
        """Make many users in one flight, or hundreds by scripts (routeros.client.bulk). One result per user, in order; never
        raises for the router's sake.

        A refused row does not stop the rest; once the router is lost, the rows not yet answered carry Unreachable.
        """
        return await self._maker.add(users)

    async def set_users(self, changes: Sequence[tuple[str, UserChanges]]) -> list[RowResult]:
        """set_user() for many, in two flights. One result each, in order, as add_users() has them."""
        return await self._rows.change_each(menus.USERS, [(name, menus.changed_user(each)) for name, each in changes])

    async def set_user(self, name: str, **changes: Unpack[UserChanges]) -> None:
        """Change fields of one user; NoSuchItem when there is none of that name. No effect on a running session."""
        words = menus.changed_user(changes)
        await self._rows.change(menus.USERS, name, words)

    async def ensure_users(self, users: Sequence[HotspotUser], profiles: Sequence[UserProfile]) -> list[RowResult]:
        """Make users and the profiles they use, or bring what we made earlier to these values: safe to repeat after a lost
        answer. One flight where nothing is in the way. Results as add_users() has them.

        AlreadyExists when a name belongs to a row with another comment: that one is not ours to change.
        """
        return await self._maker.users(users, profiles)

    async def ensure_user(self, user: HotspotUser) -> None:
        """ensure_users() for one whose profile is there. Raises what its result says."""
        [result] = await self._maker.users([user], [])
        if result.error:
            raise result.error

    async def remove_users(self, names: Iterable[str]) -> int:
        """Remove users, not their sessions. Names that are not there are fine. Returns how many rows went."""
        [gone] = await self._rows.remove([_USERS], list(names))
        return gone

    async def ensure_user_profiles(self, profiles: Sequence[UserProfile]) -> dict[str, RouterError | None]:
        """Make the profiles or repair their speed, devices and mac-cookie, in two flights. What became of those that
        differed, by name; raises when the router is lost before it."""
        return await self._maker.profiles(profiles)

    async def ensure_user_profile(self, profile: UserProfile) -> bool:
        """ensure_user_profiles() for one. True when something was written."""
        written = await self._maker.profiles([profile])
        if error := written.get(profile.name):
            raise error
        return bool(written)

    async def log_in(self, *, ip: str, mac: str, user: str, password: str) -> None:
        """Open the internet for a phone the router already sees (/ip/hotspot/active/login); no browser needed.

        HostUnknown, WrongMac, BadCredentials, TooManySessions or LimitReached say why not.
        """
        await self._link.ask(_login(LogIn(ip=ip, mac=mac, user=user, password=password)))

    async def log_in_each(self, phones: Sequence[LogIn]) -> list[RowResult]:
        """log_in() for many, in one flight. Results by user, as add_users() has them."""
        return results_of([each.user for each in phones], *await self._link.attempt([_login(each) for each in phones]))

    async def end_access(self, user_names: Iterable[str]) -> Ended:
        """End access for good: the user, then its cookies (http and mac) and its active sessions. Four flights.

        The user goes first so that nothing can log in again in between; sessions and cookies are read when nobody can
        make new ones any more. Cookies are asked for first: the router drops some with their session. Already gone is fine.
        """
        names = list(dict.fromkeys(user_names))
        if not names:
            return Ended()
        [users] = await self._rows.remove([_USERS], names)
        cookies, sessions = await self._rows.remove([_COOKIES, _SESSIONS], names)
        return Ended(users, sessions, cookies)

    async def write_dialins(self, operations: Sequence[DialinOperation]) -> list[RowResult]:
        """Carry out what `plan_dialins` decided about PPPoE customers. One result each, in order; raises when the router is lost
        or does not show its secrets. Whoever is to be cut is kept from dialling in again first."""
        return await self._dialins.write(operations)

    async def end_bypass(self, mac: str) -> bool:
        """Let a device by no longer: its bypassing ip-bindings go, then its host row, which the router makes anew without
        the privilege. False: no ip-binding names it, so something else lets it by."""
        found = [
            row.id
            for row in await self._rows.of(menus.BINDINGS, key="mac-address", values=[mac.upper()])
            if row.is_bypassed
        ]
        await self._rows.remove_ids(menus.BINDINGS, found)
        hosts = [row.id for row in await self._rows.of(menus.HOSTS, key="mac-address", values=[mac.upper()])]
        await self._rows.remove_ids(menus.HOSTS, hosts)
        return bool(found)

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
            await self._rows.remove_ids(menus.COOKIES, cookies)  # first: a mac-cookie would log the device in again
        await self._rows.remove_ids(menus.ACTIVE, [left.id])
        return True

    async def _one(self, menu: Menu[T]) -> T:
        rows = await self._rows.of(menu)
        if len(rows) != 1:
            raise BadReply(f"{menu.path} has {len(rows)} rows instead of one")
        return rows[0]


def _login(each: LogIn) -> Command:
    words = (("ip", each.ip), ("mac-address", each.mac), ("user", each.user), ("password", each.password))
    return Command(f"{menus.ACTIVE.path}/login", tuple(attribute(*word) for word in words))
