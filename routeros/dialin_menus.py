"""The PPP menus we read and write, as `routeros.menus` has those of the hotspot. Pure.

Field names: MikroTik manual, PPP AAA and PPPoE. Bytes are read off the interfaces: version 7 lists no counters in /ppp/active.
"""

from routeros.dialins import BoundInterface, DialinSession, InterfaceBytes, PppProfile, Secret, SecretChanges
from routeros.menus import Menu
from routeros.words import Row, attribute, write_flag


def _secret(row: Row) -> Secret:
    return Secret(
        name=row.text("name"),
        password=row.hidden_text("password"),
        profile=row.text("profile", "default"),
        comment=row.text("comment"),
        service=row.text("service", "any"),
        is_disabled=row.flag("disabled"),
        id=row.text(".id"),
    )


def _profile(row: Row) -> PppProfile:
    return PppProfile(
        name=row.text("name"),
        rate_limit=row.text("rate-limit"),
        is_only_one=row.text("only-one") == "yes",
        id=row.text(".id"),
    )


def _session(row: Row) -> DialinSession:
    return DialinSession(
        user=row.text("name"),
        address=row.text("address"),
        mac=row.text("caller-id").upper(),
        uptime=row.seconds("uptime"),
        is_radius=row.flag("radius"),
        id=row.text(".id"),
    )


def _bound(row: Row) -> BoundInterface:
    return BoundInterface(name=row.text("name"), user=row.text("user"))


def _interface(row: Row) -> InterfaceBytes:
    return InterfaceBytes(name=row.text("name"), received=row.number("rx-byte"), sent=row.number("tx-byte"))


SECRETS = Menu("/ppp/secret", (".id", "name", "password", "profile", "comment", "service", "disabled"), _secret)
PROFILES = Menu("/ppp/profile", (".id", "name", "rate-limit", "only-one"), _profile)
SESSIONS = Menu("/ppp/active", (".id", "name", "address", "caller-id", "uptime", "radius"), _session)
BOUND = Menu("/interface/pppoe-server", ("name", "user"), _bound)
INTERFACES = Menu("/interface", ("name", "rx-byte", "tx-byte"), _interface)


def new_secret(secret: Secret) -> tuple[str, ...]:
    """Attribute words that add `secret`."""
    if secret.password is None:
        raise ValueError("a secret is added with a password")
    changes: SecretChanges = {
        "password": secret.password,
        "profile": secret.profile,
        "comment": secret.comment,
        "service": secret.service,
        "is_disabled": secret.is_disabled,
    }
    return (attribute("name", secret.name), *changed_secret(changes))


def changed_secret(changes: SecretChanges) -> tuple[str, ...]:
    """Attribute words of a change."""
    words = [
        attribute(key, value)
        for key in ("password", "profile", "comment", "service")
        if (value := changes.get(key)) is not None
    ]
    if "is_disabled" in changes:
        words.append(attribute("disabled", write_flag(changes["is_disabled"])))
    return tuple(words)


def profile_words(profile: PppProfile) -> tuple[str, ...]:
    """Attribute words that give a profile its speed; an empty one lifts the limit."""
    only_one = write_flag(profile.is_only_one)
    return (attribute("rate-limit", profile.rate_limit), attribute("only-one", only_one))
