"""Making users and the profiles they need: many in few flights, safe to repeat after a lost answer. No meaning in here."""

from collections.abc import Mapping, Sequence
from typing import Final

from routeros import menus
from routeros.client.bulk import MANY, Bulk, Prepare
from routeros.client.link import Link
from routeros.client.rows import Rows, read_all, results_of
from routeros.client.wire import Command, Reply
from routeros.errors import AlreadyExists, BadArgument, Refused, RouterError
from routeros.values import HotspotUser, RowResult, UserProfile, profile_changes
from routeros.words import attribute

_LOOK_AT_PROFILES: Final = Command(f"{menus.USER_PROFILES.path}/print", fields=menus.USER_PROFILES.fields)


def addition(user: HotspotUser) -> Command:
    """What makes a user."""
    return Command(f"{menus.USERS.path}/add", menus.new_user(user))


def _without(users: Sequence[HotspotUser], made: set[str]) -> list[HotspotUser]:
    return [user for user in users if user.name not in made]


def _completed(users: Sequence[HotspotUser], made: set[str], others: Sequence[RowResult]) -> list[RowResult]:
    """One result each, in order: nothing in the way of those made, and what became of the others."""
    rest = iter(others)
    return [RowResult(user.name, None) if user.name in made else next(rest) for user in users]


class Maker:
    """Makes rows over one Link. Commands of one flight may be worked on in any order."""

    def __init__(self, link: Link, rows: Rows, *, scripts_from: int = MANY) -> None:
        """`scripts_from`: so many users are worth a script."""
        self._link = link
        self._rows = rows
        self._bulk = Bulk(link, least=scripts_from)

    async def profiles(self, wanted: Sequence[UserProfile]) -> dict[str, RouterError | None]:
        """Make or repair profiles, in two flights. What became of those that differed, by name; raises as the Link does."""
        return await self._write(wanted, await self._rows.of(menus.USER_PROFILES))

    async def users(self, users: Sequence[HotspotUser], profiles: Sequence[UserProfile]) -> list[RowResult]:
        """Make users, repairing profiles on the way: one flight if nothing is in the way, as nothing usually is. Hundreds are
        made by scripts where the router allows it.

        One result each, in order; never raises for the router's sake."""
        looks = [_LOOK_AT_PROFILES] if profiles else []
        there: set[str] = set()

        async def prepare(replies: Sequence[Reply]) -> None:
            *shown, known = replies
            there.update(row.get("name", "") for row in known.rows)
            for each in shown:
                if not each.refusal:
                    await self._write(profiles, read_all(menus.USER_PROFILES, each.rows))

        # Those there before are not the scripts' doing: whose they are, and whether as wanted, is for the adds to find out.
        look = Command(f"{menus.USERS.path}/print", fields=("name",))
        made, lost = await self._by_script(users, besides=[*looks, look], prepare=prepare)
        if lost:
            return [RowResult(user.name, lost) for user in users]
        made -= there
        return _completed(users, made, await self._one_by_one(_without(users, made), profiles))

    async def add(self, users: Sequence[HotspotUser]) -> list[RowResult]:
        """Make users that are known to be missing, with profiles that are there; results as users() has them. By scripts, one
        that is there by now as it should be counts as made; by commands it is refused."""
        made, lost = await self._by_script(users)
        if lost:
            return [RowResult(user.name, lost) for user in users]
        left = _without(users, made)
        replies, lost = await self._link.attempt([addition(user) for user in left])
        return _completed(users, made, results_of([user.name for user in left], replies, lost))

    async def _by_script(
        self, users: Sequence[HotspotUser], *, besides: Sequence[Command] = (), prepare: Prepare | None = None
    ) -> tuple[set[str], RouterError | None]:
        """Names of users made by scripts, none where that is not the way, and what the router was lost by."""
        try:
            if self._bulk.is_untidy:
                await self._bulk.tidy()
            if self._bulk.suits(users):
                return await self._bulk.make(users, besides=besides, prepare=prepare), None
        except Refused:
            return set(), None  # the adds will hear of it, each for itself
        except RouterError as error:
            return set(), error
        return set(), None

    async def _one_by_one(self, users: Sequence[HotspotUser], profiles: Sequence[UserProfile]) -> list[RowResult]:
        if not users:
            return []
        looks = [_LOOK_AT_PROFILES] if profiles else []
        replies, lost = await self._link.attempt([*map(addition, users), *looks])
        results = results_of([user.name for user in users], replies[: len(users)], lost)
        if lost:
            return results
        try:
            for shown in replies[len(users) :]:
                if shown.refusal:
                    raise shown.refusal
                written = await self._write(profiles, read_all(menus.USER_PROFILES, shown.rows))
                results = await self._add_again(users, results, written)
            return await self._mend(users, results)
        except RouterError as error:
            return [RowResult(each.name, error) if each.error else each for each in results]

    async def _write(self, wanted: Sequence[UserProfile], seen: Sequence[UserProfile]) -> dict[str, RouterError | None]:
        """Add the missing ones, set what differs, in one flight."""
        by_name = {profile.name: profile for profile in seen}
        commands: dict[str, Command] = {}
        for profile in wanted:
            found = by_name.get(profile.name)
            if found is None:
                commands[profile.name] = Command(f"{menus.USER_PROFILES.path}/add", menus.new_profile(profile))
            elif changes := profile_changes(found, profile):
                words = (attribute(".id", found.id), *menus.changed_profile(changes))
                commands[profile.name] = Command(f"{menus.USER_PROFILES.path}/set", words)
        results = results_of(list(commands), *await self._link.attempt(list(commands.values())))
        return {each.name: each.error for each in results}

    async def _add_again(
        self, users: Sequence[HotspotUser], results: list[RowResult], written: Mapping[str, RouterError | None]
    ) -> list[RowResult]:
        """Users that were refused because their profile was not there: it is now, or its refusal is theirs."""
        by_name = {each.name: each for each in results}
        waiting = [
            user for user in users if user.profile in written and isinstance(by_name[user.name].error, BadArgument)
        ]
        able = [user for user in waiting if written[user.profile] is None]
        names = [user.name for user in able]
        added = results_of(names, *await self._link.attempt([addition(user) for user in able]))
        refused = [RowResult(user.name, written[user.profile]) for user in waiting if written[user.profile]]
        by_name |= {each.name: each for each in (*added, *refused)}
        return [by_name[each.name] for each in results]

    async def _mend(self, users: Sequence[HotspotUser], results: list[RowResult]) -> list[RowResult]:
        """Bring the rows we made earlier to these values; a name that belongs to a row with another comment stays refused."""
        taken = {each.name for each in results if isinstance(each.error, AlreadyExists)}
        if not taken:
            return results
        found: dict[str, set[str]] = {}
        for row in await self._rows.of(menus.USERS, key="name", values=taken):
            found.setdefault(row.name, set()).add(row.comment)
        ours = [user for user in users if user.name in taken and found.get(user.name) == {user.comment}]
        mended = await self._rows.change_each(menus.USERS, [(user.name, menus.restored_user(user)) for user in ours])
        by_name = {each.name: each for each in (*results, *mended)}
        return [by_name[each.name] for each in results]
