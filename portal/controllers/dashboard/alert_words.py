"""Words for open alerts: what is the matter, and the next step. Alerts of one kind are told together."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from portal.alerts import AlertView
from portal.msgid import N_

#: Kind → (what is the matter, the next step, where to go or "").
ALERT_WORDS: Mapping[str, tuple[str, str, str]] = {
    "job_failed": (N_("A job failed"), N_("Look at what it said, then try it again or discard it."), "/jobs"),
    "job_silent": (N_("A job has not run well for too long"), N_("See whether a worker runs: vocha work"), "/jobs"),
    "invariant": (N_("The books or the records do not agree."), N_("Pay nothing out until somebody has looked."), ""),
    "mpesa_down": (N_("M‑PESA does not answer"), N_("Nothing is lost: we try again by ourselves every few minutes."), ""),
    "payment_not_found": (
        N_("M‑PESA does not know a payment"), N_("Look it up in the M‑PESA portal before you give anything."), "/sales",
    ),
    "router_away": (N_("A router does not answer"), N_("Check its power and its internet line."), "/routers"),
    "subscriptions": (N_("Bills of subscribers do not agree"), N_("Look at the last run of the job that compares them."), "/jobs"),
    "message_dead": (N_("A message could not be sent"), N_("Look at why, and whether the number is right."), "/messages?trouble=true"),
    "message_gateway": (
        N_("Messages are not going out"), N_("See whether the gateway has credit and the keys are right."), "/messages/settings",
    ),
    "webhook_off": (
        N_("A program is not told any more"), N_("Its address failed for days. See why, then switch it on."), "/settings/webhooks",
    ),
    "sms_cap": (N_("Today's limit of messages is reached"), N_("The rest waits until tomorrow, or raise the limit."), "/messages/settings"),
}  # fmt: skip
_OTHER = (N_("Something needs a look"), N_("Tell whoever looks after this installation."), "")
_SHOWN = 3
#: Shown elsewhere on the operator's page, with what is broken.
_APART = ("invariant",)


class AlertGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The open alerts of one kind. `subjects` are the first few."""

    what: str
    step: str
    path: str
    subjects: Sequence[str]
    count: int
    since: datetime


def grouped(alerts: Sequence[AlertView]) -> list[AlertGroup]:
    """By kind, in the order in which the first of each began."""
    by_kind: dict[str, list[AlertView]] = {}
    for alert in alerts:
        if alert.kind not in _APART:
            by_kind.setdefault(alert.kind, []).append(alert)
    return [_group(kind, some) for kind, some in by_kind.items()]


def _group(kind: str, some: Sequence[AlertView]) -> AlertGroup:
    what, step, path = ALERT_WORDS.get(kind, _OTHER)
    return AlertGroup(
        what=what, step=step, path=path, subjects=[name for alert in some[:_SHOWN] if (name := _name(kind, alert))],
        count=len(some), since=some[0].opened_at,
    )  # fmt: skip


def _name(kind: str, alert: AlertView) -> str:
    """What it is about, as people know it: jobs and routers by name. Rows are only numbered, which tells nobody anything."""
    if kind == "router_away":
        return str(alert.data.get("router", ""))
    return alert.subject if kind.startswith("job_") or kind not in ALERT_WORDS else ""
