"""The pull agent: the script a router runs every few seconds to fetch work and hand in its state. Text only.

It obeys a fixed list of verbs in fixed code; what it fetched is only ever a value in a command, never a command. What
it sends and gets: routeros.script.pull. Works on 6.49 as plain lines and on 7.13 and later as JSON.
"""

from typing import Final

from routeros.script import agent_looks, agent_text, pull_settings, pull_strangers
from routeros.script.quoting import quote
from routeros.script.values import Family, Onboarding, PullAgent, Trust, Variant
from routeros.words import NO_MAC

#: What the script may do (MikroTik manual, User: fetch is part of `test`); no `policy`, no `sensitive`.
POLICY: Final = "read,write,test"


def agent_script(onboarding: Onboarding, way: PullAgent) -> str:
    """The script of this router's agent. It holds the router's secrets: whoever reads it is this router."""
    is_json = way.variant is Variant.JSON
    write = agent_text.WRITE_JSON if is_json else agent_text.WRITE_PLAIN
    read = agent_text.READ_JSON if is_json else agent_text.READ_PLAIN
    parts = (agent_text.ASK, write, agent_text.FETCH, read, agent_text.OBEY)
    text = "".join(part.removeprefix("\n") for part in parts)
    for mark, piece in _pieces(is_json=is_json, is_six=onboarding.family is Family.SIX).items():
        text = text.replace(f"@{mark}@\n", piece.removeprefix("\n"))
    # Values are checked or quoted, so none can hold a mark (`@` stands in no site, key, address or tag).
    values = {
        "@NAME@": quote(f"{onboarding.tag}-pull"),
        "@URL@": quote(way.url),
        "@SITE@": quote(onboarding.site),
        "@SECRET@": quote(way.secret),
        "@KEY@": quote(way.answer_key),
        "@CHECK@": _check(onboarding, way),
        "@TYPE@": quote(f"Content-Type: {'application/json' if is_json else 'text/plain'}"),
        "@EVERYTHING@": " ".join(
            f"{name}=[:pick $vFields {at}]"
            for at, name in enumerate(agent_text.CHANGEABLE, start=3)
            if at != agent_text.MAC_AT
        ),
        "@ANY_MAC@": NO_MAC,
        "@RANDOM@": ' . "-" . [:rndstr length=16]' if is_json else "",
    }
    for mark, value in values.items():
        text = text.replace(mark, value)
    return text


def _pieces(*, is_json: bool, is_six: bool) -> dict[str, str]:
    changes = "".join(
        agent_text.CHANGE.removeprefix("\n").replace("@AT@", str(at)).replace("@FIELD@", name)
        for at, name in enumerate(agent_text.CHANGEABLE, start=3)
    )
    return {
        "SPLIT": agent_text.SPLIT_JSON if is_json else agent_text.SPLIT_PLAIN,
        # Only from 7.13 on does a script learn why something failed.
        "TRY": ":onerror vWhy in={\n" if is_json else ":do {\n",
        "CATCH": '} do={ :set vSaid ("failed|" . $vWhy) }\n' if is_json else '} on-error={ :set vSaid "failed|" }\n',
        "CHANGES": changes,
        "REPORTS": "".join(_report(kind) for kind in agent_text.STATES) + _settings(is_six=is_six),
    }


def _report(kind: str) -> str:
    menu, ours, fields = agent_text.STATES[kind]
    row = "".join(f'|" . ($vRow->"{field}") . "' for field in fields).removesuffix(' . "')
    text = agent_text.REPORT.removeprefix("\n").replace("@KIND@", kind).replace("@MENU@", menu)
    return text.replace("@OURS@", ours).replace("@FIELDS@", row)


def _settings(*, is_six: bool) -> str:
    text = agent_looks.SETTINGS.removeprefix("\n").replace("@TABLE@", pull_settings.field_table(pull_strangers.FIELDS))
    text = text.replace("@STRANGERS@\n", pull_strangers.look_lines())
    text = text.replace("@LOOKS@\n", pull_settings.look_lines(is_six=is_six))
    return text + agent_looks.DROP.removeprefix("\n").replace("@OURS@", agent_text.OURS)


def _check(onboarding: Onboarding, way: PullAgent) -> str:
    if not way.url.startswith("https://"):
        return ""
    return " check-certificate=no" if onboarding.trust is Trust.NONE else " check-certificate=yes"
