"""Carrying out what was decided about dial-ins, over one Link: many rows in five flights at most. No meaning in here."""

from collections.abc import Mapping, Sequence

from routeros import dialin_menus as menus
from routeros.client.link import Link
from routeros.client.rows import Held, Rows, read_all
from routeros.client.wire import Command
from routeros.dialins import AddSecret, ChangeSecret, DialinOperation, EndDialin, PppProfile, Secret, WriteProfile
from routeros.errors import NoSuchItem, RouterError
from routeros.values import RowResult
from routeros.words import attribute

_SESSIONS = Held(menus.SESSIONS, "name")


class DialinWriter:
    """Writes secrets and their profiles, and ends sessions. Only secrets whose comment is ours are touched."""

    def __init__(self, link: Link, rows: Rows) -> None:
        self._link = link
        self._rows = rows

    async def write(self, operations: Sequence[DialinOperation]) -> list[RowResult]:
        """One result each, in order: what the router refused. Safe to repeat. Raises as the Link does when the router is lost.

        Profiles and a look at the secrets first, then every secret, then whoever may no longer dial in is cut.
        """
        if not operations:
            return []
        wanted = [each.profile for each in operations if isinstance(each, WriteProfile)]
        looks = [Command(f"{menu.path}/print", fields=menu.fields) for menu in (menus.SECRETS, menus.PROFILES)]
        for shown in (replies := await self._link.fly(looks)):
            if shown.refusal:
                raise shown.refusal
        secrets, profiles = (read_all(menus.SECRETS, replies[0].rows), read_all(menus.PROFILES, replies[1].rows))
        errors = await self._write_profiles(wanted, {each.name: each for each in profiles})
        own = {each.name: each for each in secrets if each.is_own}
        errors |= await self._write_secrets(operations, own)
        foreign = {each.name for each in secrets} - own.keys()
        await self._cut([name for name in _to_cut(operations) if name not in foreign and not errors.get(name)])
        return [RowResult(each.name, errors.get(each.name)) for each in operations]

    async def _write_profiles(
        self, wanted: Sequence[PppProfile], found: Mapping[str, PppProfile]
    ) -> dict[str, RouterError | None]:
        commands: dict[str, Command] = {}
        for each in wanted:
            words = menus.profile_words(each)
            if (row := found.get(each.name)) is not None:
                commands[each.name] = Command(f"{menus.PROFILES.path}/set", (attribute(".id", row.id), *words))
            else:
                name = attribute("name", each.name)
                words = (name, *(word for word in words if each.rate_limit or not word.startswith("=rate-limit")))
                commands[each.name] = Command(f"{menus.PROFILES.path}/add", words)
        return await self._sent(commands)

    async def _write_secrets(
        self, operations: Sequence[DialinOperation], own: Mapping[str, Secret]
    ) -> dict[str, RouterError | None]:
        commands: dict[str, Command] = {}
        missing: dict[str, RouterError | None] = {}
        for each in operations:
            row = own.get(each.name)
            if isinstance(each, AddSecret):
                words = menus.new_secret(each.secret)
                # There by now: an earlier try whose answer was lost.
                if row is not None:
                    commands[each.name] = Command(f"{menus.SECRETS.path}/set", (attribute(".id", row.id), *words))
                else:
                    commands[each.name] = Command(f"{menus.SECRETS.path}/add", words)
            elif isinstance(each, ChangeSecret) and each.changes:
                if row is None:
                    missing[each.name] = NoSuchItem(f"no such item: {menus.SECRETS.path} has no {each.name} of ours")
                    continue
                words = (attribute(".id", row.id), *menus.changed_secret(each.changes))
                commands[each.name] = Command(f"{menus.SECRETS.path}/set", words)
            elif isinstance(each, EndDialin) and row is not None:
                commands[each.name] = Command(f"{menus.SECRETS.path}/remove", (attribute(".id", row.id),))
        errors = await self._sent(commands)
        ended = {each.name for each in operations if isinstance(each, EndDialin)}
        gone = {name: None for name in ended if isinstance(errors.get(name), NoSuchItem)}
        return errors | missing | gone

    async def _sent(self, commands: Mapping[str, Command]) -> dict[str, RouterError | None]:
        if not commands:
            return {}
        replies = await self._link.fly(list(commands.values()))
        return {name: reply.refusal for name, reply in zip(commands, replies, strict=True)}

    async def _cut(self, names: Sequence[str]) -> None:
        if names:
            await self._rows.remove([_SESSIONS], names)


def _to_cut(operations: Sequence[DialinOperation]) -> list[str]:
    return [
        each.name
        for each in operations
        if isinstance(each, EndDialin) or (isinstance(each, ChangeSecret) and each.cuts)
    ]
