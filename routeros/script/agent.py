"""The pull agent: the script a router runs every few seconds to fetch work and hand in its state. Text only.

It obeys a fixed list of verbs in fixed code; what it fetched is only ever a value in a command, never a command. What
it sends and gets: routeros.script.pull. Works on 6.49 as plain lines and on 7.13 and later as JSON.
"""

from typing import Final

from routeros.script.quoting import quote
from routeros.script.values import Onboarding, PullAgent, Trust, Variant
from routeros.words import NO_MAC

#: What the script may do (MikroTik manual, User: fetch is part of `test`); no `policy`, no `sensitive`.
POLICY: Final = "read,write,test"

#: One run is several rounds of ask, obey, report, so that work is confirmed at once and a large state goes in pages.
_ASK: Final = r"""
:global vochaSeq
:if ([:typeof $vochaSeq] != "num") do={ :set vochaSeq 0 }
:if ([:len [/system script job find where script=@NAME@]] > 1) do={ :error "the last run is still at it" }
:local vAcks [:toarray ""]
:local vPages [:toarray ""]
:local vNext 0
:local vSerial ""
:do { :set vSerial [/system routerboard get serial-number] } on-error={ :set vSerial "" }
:local vMore true
:local vRound 0
:while ($vMore && $vRound < 40) do={
:set vRound ($vRound + 1)
:set vMore false
:set vochaSeq ($vochaSeq + 1)
:local vUp [:tostr [/system resource get uptime]]
:local vAsk ($vochaSeq . "-" . $vUp@RANDOM@)
:local vLines [:toarray ""]
:set vLines ($vLines , ("site|" . @SITE@))
:set vLines ($vLines , ("secret|" . @SECRET@))
:set vLines ($vLines , ("ask|" . $vAsk))
:set vLines ($vLines , ("version|" . [/system resource get version]))
:set vLines ($vLines , ("board|" . [/system resource get board-name]))
:set vLines ($vLines , ("serial|" . $vSerial))
:set vLines ($vLines , ("uptime|" . $vUp))
:set vLines ($vLines , ("clock|" . [/system clock get date] . " " . [/system clock get time]))
:foreach vAck in=$vAcks do={ :set vLines ($vLines , $vAck) }
:set vAcks [:toarray ""]
:if ($vNext < [:len $vPages]) do={
:set vLines ($vLines , [:pick $vPages $vNext])
:set vNext ($vNext + 1)
}
:if ($vNext < [:len $vPages]) do={ :set vMore true }
:set vLines ($vLines , ("end|" . $vAsk))
:local vData ""
:local vJobs [:toarray ""]
:local vWhole false
"""

_FETCH: Final = r"""
:do {
:local vGot [/tool fetch url=@URL@ http-method=post http-header-field=@TYPE@ http-data=$vBody@CHECK@ output=user as-value]
:set vData ($vGot->"data")
} on-error={
:set vMore false
:log debug "vocha: the portal did not answer"
}
"""

#: The answer is read to its end before anything is obeyed: a torn one, another's or an old one does nothing.
_READ_PLAIN: Final = r"""
:local vHead ("vocha-work|1|" . $vAsk . "|" . @KEY@ . "\n")
:local vAt [:len $vHead]
:local vLen [:len $vData]
:if ($vLen > $vAt && [:pick $vData 0 $vAt] = $vHead) do={
:while ($vAt < $vLen) do={
:local vEnd [:find $vData "\n" $vAt]
:if ([:typeof $vEnd] != "num") do={
:set vAt $vLen
:set vWhole false
} else={
:local vText [:pick $vData $vAt $vEnd]
:set vWhole ($vText = ("end|" . [:len $vJobs]))
:if ([:pick $vText 0 4] = "job|") do={ :set vJobs ($vJobs , $vText) }
:set vAt ($vEnd + 1)
}
}
}
"""

_WRITE_PLAIN: Final = r"""
:local vBody "vocha-pull|1"
:foreach vText in=$vLines do={ :set vBody ($vBody . "\n" . $vText) }
:set vBody ($vBody . "\n")
"""

_SPLIT_PLAIN: Final = r"""
:local vText ($vJob . "|")
:local vFields [:toarray ""]
:local vFrom 4
:while ($vFrom < [:len $vText]) do={
:local vTo [:find $vText "|" $vFrom]
:set vFields ($vFields , [:pick $vText $vFrom $vTo])
:set vFrom ($vTo + 1)
}
"""

_WRITE_JSON: Final = r"""
:local vBody [:serialize to=json value={"vocha-pull"="=1"; "lines"=$vLines}]
"""

#: Every value carries a `=` in front, so that JSON text is never taken for a number, an address or a time.
_READ_JSON: Final = r"""
:local vAnswer
:do { :set vAnswer [:deserialize from=json value=$vData] } on-error={ :set vAnswer "" }
:if ([:typeof $vAnswer] = "array") do={
:if (($vAnswer->"vocha-work") = "=1" && ($vAnswer->"ask") = ("=" . $vAsk) && ($vAnswer->"key") = ("=" . @KEY@)) do={
:if ([:typeof ($vAnswer->"jobs")] = "array") do={
:set vJobs ($vAnswer->"jobs")
:set vWhole (($vAnswer->"count") = ("=" . [:len $vJobs]))
}
}
}
"""

_SPLIT_JSON: Final = r"""
:local vFields [:toarray ""]
:foreach vText in=$vJob do={ :set vFields ($vFields , [:pick $vText 1 [:len $vText]]) }
"""

_OBEY: Final = r"""
:if ($vWhole) do={
:foreach vJob in=$vJobs do={
:set vMore true
@SPLIT@
:local vNumber [:pick $vFields 0]
:local vVerb [:pick $vFields 1]
:local vName [:pick $vFields 2]
:local vSaid "failed|"
:if (!($vNumber ~ "^[0-9]+\$")) do={
:set vNumber 0
:set vVerb ""
}
@TRY@
:if ($vVerb = "user" || $vVerb = "set" || $vVerb = "end" || $vVerb = "login") do={
:if (!($vName ~ "^vocha-[0-9a-f]{16}\$")) do={ :error "no name of ours" }
:foreach vRow in=[/ip hotspot user find where name=$vName] do={
:if (!([:tostr [/ip hotspot user get $vRow comment]] ~ "^vocha:")) do={ :error "that row is not ours" }
}
}
:if ($vVerb = "profile") do={
:if (!($vName ~ "^vocha-[0-9a-z-]+\$")) do={ :error "no name of ours" }
:local vRate [:pick $vFields 5]
:if ($vRate = "-") do={ :set vRate "" }
:if ([:len [/ip hotspot user profile find where name=$vName]] = 0) do={
/ip hotspot user profile add name=$vName shared-users=[:pick $vFields 3] add-mac-cookie=[:pick $vFields 4] rate-limit=$vRate
} else={
/ip hotspot user profile set [find where name=$vName] shared-users=[:pick $vFields 3] add-mac-cookie=[:pick $vFields 4] rate-limit=$vRate
}
:set vSaid "ok|"
}
:if ($vVerb = "user") do={
:if ([:len [/ip hotspot user find where name=$vName]] = 0) do={
/ip hotspot user add name=$vName @EVERYTHING@
} else={
/ip hotspot user set [find where name=$vName] @EVERYTHING@
}
:local vHas [:tostr [/ip hotspot user get [find where name=$vName] mac-address]]
:if ([:len $vHas] = 0) do={ :set vHas "@ANY_MAC@" }
:if ([:pick $vFields 6] != $vHas) do={ /ip hotspot user set [find where name=$vName] mac-address=[:pick $vFields 6] }
:set vSaid "ok|"
}
:if ($vVerb = "set") do={
:if ([:len [/ip hotspot user find where name=$vName]] = 0) do={ :error "no such user" }
@CHANGES@
:set vSaid "ok|"
}
:if ($vVerb = "end") do={
/ip hotspot user remove [find where name=$vName]
/ip hotspot active remove [find where user=$vName]
/ip hotspot cookie remove [find where user=$vName]
:set vSaid "ok|"
}
:if ($vVerb = "login") do={
:local vMac [:pick $vFields 5]
:if ([:len [/ip hotspot active find where user=$vName and mac-address=$vMac]] = 0) do={
/ip hotspot active login user=$vName password=[:pick $vFields 3] ip=[:pick $vFields 4] mac-address=$vMac
}
:set vSaid "ok|"
}
@REPORTS@
@CATCH@
:set vAcks ($vAcks , ("ack|" . $vNumber . "|" . $vSaid))
}
}
}
"""

_CHANGE: Final = r"""
:if ([:pick $vFields @AT@] != "-") do={ /ip hotspot user set [find where name=$vName] @FIELD@=[:pick $vFields @AT@] }
"""
_CHANGEABLE: Final = (
    *("password", "profile", "comment", "mac-address", "limit-uptime", "limit-bytes-total", "disabled"),
)
#: Apart from the others, for a lock to no MAC is written differently by version: it is only touched when it differs.
_MAC_AT: Final = 3 + _CHANGEABLE.index("mac-address")

#: A page is sent when it is full: a request may be 64 KB (MikroTik manual, Fetch), and a script joins texts slowly.
_REPORT: Final = r"""
:if ($vVerb = "report" && $vName = "@KIND@") do={
:local vPart 1
:local vRows ""
:foreach vRow in=[/ip hotspot @MENU@ print as-value where @OURS@] do={
:set vRows ($vRows . "\n@KIND@@FIELDS@)
:if ([:len $vRows] > 24000) do={
:set vPages ($vPages , ("state|@KIND@|" . $vNumber . "|" . $vPart . "|more" . $vRows))
:set vRows ""
:set vPart ($vPart + 1)
}
}
:set vPages ($vPages , ("state|@KIND@|" . $vNumber . "|" . $vPart . "|last|" . [:len [/ip hotspot @MENU@ find]] . $vRows))
:set vSaid "ok|"
}
"""

_OURS: Final = quote("^vocha-[0-9a-f]{16}$")
#: Kind → menu, which rows are ours, and the fields of a row; free text stands last. Read by routeros.script.pull_rows.
_STATES: Final = {
    "users": (
        "user",
        f"name~{_OURS}",
        (
            *("name", "mac-address", "limit-uptime", "limit-bytes-total", "uptime", "bytes-in", "bytes-out"),
            *("disabled", "profile", "comment"),
        ),
    ),
    "active": (
        "active",
        f"user~{_OURS}",
        ("user", "address", "mac-address", "uptime", "session-time-left", "bytes-in", "bytes-out"),
    ),
    "cookies": ("cookie", f"user~{_OURS}", ("user", "mac-address", "expires-in")),
    "profiles": (
        "user profile",
        f"name~{quote('^vocha-[0-9a-z-]+$')}",
        ("name", "shared-users", "add-mac-cookie", "rate-limit"),
    ),
}


def agent_script(onboarding: Onboarding, way: PullAgent) -> str:
    """The script of this router's agent. It holds the router's secrets: whoever reads it is this router."""
    is_json = way.variant is Variant.JSON
    parts = (
        (_ASK, _WRITE_JSON, _FETCH, _READ_JSON, _OBEY) if is_json else (_ASK, _WRITE_PLAIN, _FETCH, _READ_PLAIN, _OBEY)
    )
    text = "".join(part.removeprefix("\n") for part in parts)
    for mark, piece in _pieces(is_json=is_json).items():
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
            f"{name}=[:pick $vFields {at}]" for at, name in enumerate(_CHANGEABLE, start=3) if at != _MAC_AT
        ),
        "@ANY_MAC@": NO_MAC,
        "@RANDOM@": ' . "-" . [:rndstr length=16]' if is_json else "",
    }
    for mark, value in values.items():
        text = text.replace(mark, value)
    return text


def _pieces(*, is_json: bool) -> dict[str, str]:
    changes = "".join(
        _CHANGE.removeprefix("\n").replace("@AT@", str(at)).replace("@FIELD@", name)
        for at, name in enumerate(_CHANGEABLE, start=3)
    )
    return {
        "SPLIT": _SPLIT_JSON if is_json else _SPLIT_PLAIN,
        # Only from 7.13 on does a script learn why something failed.
        "TRY": ":onerror vWhy in={\n" if is_json else ":do {\n",
        "CATCH": '} do={ :set vSaid ("failed|" . $vWhy) }\n' if is_json else '} on-error={ :set vSaid "failed|" }\n',
        "CHANGES": changes,
        "REPORTS": "".join(_report(kind) for kind in _STATES),
    }


def _report(kind: str) -> str:
    menu, ours, fields = _STATES[kind]
    row = "".join(f'|" . ($vRow->"{field}") . "' for field in fields).removesuffix(' . "')
    text = _REPORT.removeprefix("\n").replace("@KIND@", kind).replace("@MENU@", menu)
    return text.replace("@OURS@", ours).replace("@FIELDS@", row)


def _check(onboarding: Onboarding, way: PullAgent) -> str:
    if not way.url.startswith("https://"):
        return ""
    return " check-certificate=no" if onboarding.trust is Trust.NONE else " check-certificate=yes"
