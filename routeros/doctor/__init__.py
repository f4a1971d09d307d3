"""The doctor: from what a router says about itself to findings, each with the line that mends it. Pure; reads nothing.

`facts` is what is asked of a router and what becomes of the rows, `rules` and `pppoe` judge it, `versions` knows RouterOS's holes.
"""

from routeros.doctor.facts import MENUS, Facts, MenuRows, facts_from, told
from routeros.doctor.findings import Finding, Severity
from routeros.doctor.pppoe import PPPOE_MENUS, pppoe_findings
from routeros.doctor.rules import Expected, findings_of

__all__ = [
    "MENUS",
    "PPPOE_MENUS",
    "Expected",
    "Facts",
    "Finding",
    "MenuRows",
    "Severity",
    "facts_from",
    "findings_of",
    "pppoe_findings",
    "told",
]
