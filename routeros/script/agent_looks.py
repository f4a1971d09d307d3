"""What the pull agent says of settings and of rows that are not ours, and how it takes one of those off. Text only, as agent_text."""

from typing import Final

#: Row by row and field by field; a field with no name says that the menu was shown. A value is one line, so that nobody's text
#: can pass for another.
SETTINGS: Final = r"""
:if ($vVerb = "report" && ($vName = "settings" || $vName = "foreign")) do={
:local vSeen [:toarray ""]
:local vAll @TABLE@
:if ($vName = "settings") do={
@LOOKS@
} else={
@STRANGERS@
}
:local vPart 1
:local vTotal 0
:local vRows ""
:foreach vMenu,vFound in=$vSeen do={
:set vRows ($vRows . "\n" . $vName . "|" . $vMenu . "|0||")
:local vAt 0
:foreach vRow in=$vFound do={
:if ($vAt < 500) do={
:foreach vField in=($vAll->$vMenu) do={
:local vText [:pick [:tostr ($vRow->$vField)] 0 240]
:local vEnd [:find $vText "\n"]
:if ([:typeof $vEnd] = "num") do={ :set vText [:pick $vText 0 $vEnd] }
:if ([:len $vText] > 0) do={ :set vRows ($vRows . "\n" . $vName . "|" . $vMenu . "|" . $vAt . "|" . $vField . "|" . $vText) }
}
}
:set vAt ($vAt + 1)
:set vTotal ($vTotal + 1)
:if ([:len $vRows] > 24000) do={
:set vPages ($vPages , ("state|" . $vName . "|" . $vNumber . "|" . $vPart . "|more" . $vRows))
:set vRows ""
:set vPart ($vPart + 1)
}
}
}
:set vPages ($vPages , ("state|" . $vName . "|" . $vNumber . "|" . $vPart . "|last|" . $vTotal . $vRows))
:set vSaid "ok|"
}
"""

#: One row that is not ours, by its name and the values it was seen with; never one of ours.
DROP: Final = r"""
:if ($vVerb = "drop") do={
:local vWhat [:pick $vFields 3]
:local vWants ""
:foreach vAt in={4;5;6} do={
:if ([:pick $vFields $vAt] != "-") do={ :set vWants ($vWants . [:pick $vFields $vAt]) }
:set vWants ($vWants . "|")
}
:local vThere 0
:local vGone 0
:if ($vWhat = "user") do={
:foreach vRow in=[/ip hotspot user find where name=$vName] do={
:local vComment [:tostr [/ip hotspot user get $vRow comment]]
:if (($vName ~ @OURS@) && ($vComment ~ "^vocha:")) do={ :error "that row is ours" }
:local vHas ([:tostr [/ip hotspot user get $vRow mac-address]] . "|")
:set vHas ($vHas . [:tostr [/ip hotspot user get $vRow profile]] . "|" . $vComment . "|")
:set vThere ($vThere + 1)
:if ($vHas = $vWants) do={
/ip hotspot user remove $vRow
/ip hotspot cookie remove [find where user=$vName]
:set vGone ($vGone + 1)
}
}
:set vSaid "ok|"
}
:if ($vWhat = "active") do={
:if ($vName ~ @OURS@) do={ :error "that session is ours" }
:local vMac [:pick $vFields 4]
:foreach vRow in=[/ip hotspot active find where user=$vName and mac-address=$vMac] do={
:set vThere ($vThere + 1)
:if ([:tostr [/ip hotspot active get $vRow address]] = [:pick $vFields 5]) do={
/ip hotspot active remove $vRow
/ip hotspot cookie remove [find where user=$vName and mac-address=$vMac]
:set vGone ($vGone + 1)
}
}
:set vSaid "ok|"
}
:if ($vWhat = "binding") do={
:foreach vRow in=[/ip hotspot ip-binding find where mac-address=$vName] do={
:local vHas ([:tostr [/ip hotspot ip-binding get $vRow address]] . "|")
:set vHas ($vHas . [:tostr [/ip hotspot ip-binding get $vRow type]] . "|")
:set vHas ($vHas . [:tostr [/ip hotspot ip-binding get $vRow comment]] . "|")
:set vThere ($vThere + 1)
:if ($vHas = $vWants) do={
/ip hotspot ip-binding remove $vRow
/ip hotspot host remove [find where mac-address=$vName]
:set vGone ($vGone + 1)
}
}
:set vSaid "ok|"
}
:if ($vThere > 0 && $vGone = 0) do={
:set vSaid "failed|"
:error "that row is not as it was seen"
}
}
"""
