"""What the pull agent says, piece by piece, with `@MARKS@` where agent.py puts values and further pieces. Text only."""

from typing import Final

from routeros.script.quoting import quote

#: One run is several rounds of ask, obey, report, so that work is confirmed at once and a large state goes in pages, small ones
#: together: every question costs the line a handshake.
ASK: Final = r"""
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
:local vSize 0
:while ($vNext < [:len $vPages] && ($vSize = 0 || ($vSize + [:len [:pick $vPages $vNext]]) < 30000)) do={
:local vPage [:pick $vPages $vNext]
:set vLines ($vLines , $vPage)
:set vSize ($vSize + [:len $vPage])
:set vNext ($vNext + 1)
}
:if ($vNext < [:len $vPages]) do={ :set vMore true }
:set vLines ($vLines , ("end|" . $vAsk))
:local vData ""
:local vJobs [:toarray ""]
:local vWhole false
"""

FETCH: Final = r"""
:do {
:local vGot [/tool fetch url=@URL@ http-method=post http-header-field=@TYPE@ http-data=$vBody@CHECK@ output=user as-value]
:set vData ($vGot->"data")
} on-error={
:set vMore false
:log debug "vocha: the portal did not answer"
}
"""

#: The answer is read to its end before anything is obeyed: a torn one, another's or an old one does nothing.
READ_PLAIN: Final = r"""
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

WRITE_PLAIN: Final = r"""
:local vBody "vocha-pull|1"
:foreach vText in=$vLines do={ :set vBody ($vBody . "\n" . $vText) }
:set vBody ($vBody . "\n")
"""

SPLIT_PLAIN: Final = r"""
:local vText ($vJob . "|")
:local vFields [:toarray ""]
:local vFrom 4
:while ($vFrom < [:len $vText]) do={
:local vTo [:find $vText "|" $vFrom]
:set vFields ($vFields , [:pick $vText $vFrom $vTo])
:set vFrom ($vTo + 1)
}
"""

WRITE_JSON: Final = r"""
:local vBody [:serialize to=json value={"vocha-pull"="=1"; "lines"=$vLines}]
"""

#: Every value carries a `=` in front, so that JSON text is never taken for a number, an address or a time.
READ_JSON: Final = r"""
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

SPLIT_JSON: Final = r"""
:local vFields [:toarray ""]
:foreach vText in=$vJob do={ :set vFields ($vFields , [:pick $vText 1 [:len $vText]]) }
"""

#: A login makes room first, if the user has no session left: the newest device wins, the one silent for longest goes.
OBEY: Final = r"""
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
:local vIp [:pick $vFields 4]
:if ([:len [/ip hotspot active find where user=$vName and mac-address=$vMac and address=$vIp]] = 0) do={
:local vTerms [/ip hotspot user get [find where name=$vName] profile]
:local vMost [:tonum [:tostr [/ip hotspot user profile get [find where name=$vTerms] shared-users]]]
:local vIn [/ip hotspot active find where user=$vName]
:if ([:typeof $vMost] = "num" && [:len $vIn] >= $vMost && [:len [/ip hotspot host find where address=$vIp]] > 0) do={
:local vLeft [:pick $vIn 0]
:foreach vRow in=$vIn do={
:if ([/ip hotspot active get $vRow idle-time] > [/ip hotspot active get $vLeft idle-time]) do={ :set vLeft $vRow }
}
:local vOld [/ip hotspot active get $vLeft mac-address]
/ip hotspot cookie remove [find where user=$vName and mac-address=$vOld]
/ip hotspot active remove $vLeft
}
/ip hotspot active login user=$vName password=[:pick $vFields 3] ip=$vIp mac-address=$vMac
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

CHANGE: Final = r"""
:if ([:pick $vFields @AT@] != "-") do={ /ip hotspot user set [find where name=$vName] @FIELD@=[:pick $vFields @AT@] }
"""
CHANGEABLE: Final = (
    *("password", "profile", "comment", "mac-address", "limit-uptime", "limit-bytes-total", "disabled"),
)
#: Apart from the others, for a lock to no MAC is written differently by version: it is only touched when it differs.
MAC_AT: Final = 3 + CHANGEABLE.index("mac-address")

#: A page is sent when it is full: a request may be 64 KB (MikroTik manual, Fetch), and a script joins texts slowly.
REPORT: Final = r"""
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

OURS: Final = quote("^vocha-[0-9a-f]{16}$")
#: Kind → menu, which rows are ours, and the fields of a row; free text stands last. Read by routeros.script.pull_rows.
STATES: Final = {
    "users": (
        "user",
        f"name~{OURS}",
        (
            *("name", "mac-address", "limit-uptime", "limit-bytes-total", "uptime", "bytes-in", "bytes-out"),
            *("disabled", "profile", "comment"),
        ),
    ),
    "active": (
        "active",
        f"user~{OURS}",
        ("user", "address", "mac-address", "uptime", "session-time-left", "bytes-in", "bytes-out"),
    ),
    "cookies": ("cookie", f"user~{OURS}", ("user", "mac-address", "expires-in")),
    # Every device there is, ours or not: who left by himself and who was put off looks the same otherwise.
    "hosts": ("host", 'mac-address~":"', ("mac-address", "address", "authorized", "bypassed", "uptime")),
    "profiles": (
        "user profile",
        f"name~{quote('^vocha-[0-9a-z-]+$')}",
        ("name", "shared-users", "add-mac-cookie", "rate-limit"),
    ),
}
