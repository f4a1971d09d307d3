"""Text for other clocks: crontab lines and systemd timers that ask for every job at our cron door. Pure.

Our own workers tick too; a slot that both ask for runs once, so other clocks are a second pair of hands, never a second run."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from apscheduler.triggers.cron import CronTrigger

from jobs.schedule import Job

#: Where the secret is kept, as PORTAL_CRON_SECRET=…; readable by root and the service's user only.
ENV_FILE = "/etc/vocha/cron.env"
SERVICE = "vocha-job@.service"
_FIELDS = ("month", "day", "day_of_week", "hour", "minute", "second")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Unit(NamedTuple):
    """A file for /etc/systemd/system."""

    name: str
    text: str


def fields_of(job: Job) -> Mapping[str, str]:
    """Every field of a job's trigger as CronTrigger fills them in; weekdays by name, as numbers differ between clocks."""
    found = {field.name: str(field) for field in CronTrigger(timezone="UTC", **job.cron).fields}
    if found["year"] != "*" or found["week"] != "*" or "*" not in (found["day"], found["day_of_week"]):
        raise ValueError(f"{job.name}: other clocks cannot say this trigger")
    days = re.sub(r"(?<!/)\b\d", lambda day: _DAYS[int(day[0])], found["day_of_week"])
    return {name: found[name] for name in _FIELDS} | {"day_of_week": days}


def crontab(jobs: Iterable[Job], base_url: str, *, env_file: str = ENV_FILE, user: str = "") -> str:
    """Input for `crontab -`, or with a user for a file in /etc/cron.d: a line per job. Cron knows no seconds; the door asks for
    the latest slot."""
    head = (
        "# Vocha's jobs, asked for at its cron door. Hours are UTC: cronie reads CRON_TZ; where cron does not (Debian's),",
        "# they are the machine's, which does no harm: a job does whatever is due.",
        f"# {env_file} holds the line PORTAL_CRON_SECRET=...; chmod 600, owned by whom this crontab is.",
        "CRON_TZ=UTC",
        "SHELL=/bin/sh",
    )
    return "\n".join([*head, *(_line(job, base_url, env_file, user=user) for job in jobs)]) + "\n"


def _line(job: Job, base_url: str, env_file: str, *, user: str) -> str:
    at = fields_of(job)
    when = " ".join(at[name] for name in ("minute", "hour", "day", "month", "day_of_week"))
    return f"{when} {user + ' ' if user else ''}. {env_file} && {_ask(base_url, job.name)}"


def _ask(base_url: str, name: str) -> str:
    """One request. The secret goes by curl's standard input: its arguments are seen by everybody on the machine."""
    header = 'echo "header = \\"Authorization: Bearer $PORTAL_CRON_SECRET\\""'
    return f"{header} | curl -fsS -m 30 --retry 2 -o /dev/null -K - -X POST {base_url}/api/cron/{name}"


def units(jobs: Iterable[Job], base_url: str, *, env_file: str = ENV_FILE) -> list[Unit]:
    """One service that asks for the job it is named after, and a timer per job."""
    command = _ask(base_url, "%i").replace("$PORTAL", "$$PORTAL").replace("\\", "\\\\")
    service = f"""\
[Unit]
Description=Ask Vocha for its job %i
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
EnvironmentFile={env_file}
ExecStart=/bin/sh -c '{command}'
TimeoutStartSec=120
DynamicUser=yes
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
"""
    return [Unit(SERVICE, service), *(_timer(job) for job in jobs)]


def _timer(job: Job) -> Unit:
    text = f"""\
[Unit]
Description=When Vocha's job {job.name} is due

[Timer]
OnCalendar={calendar(job)}
AccuracySec=1s
Persistent=true
Unit={SERVICE.replace("@.", f"@{job.name}.")}

[Install]
WantedBy=timers.target
"""
    return Unit(f"vocha-job-{job.name}.timer", text)


def calendar(job: Job) -> str:
    """A job's moments as systemd writes them, such as "Sun *-*-* 02:00:00 UTC"."""
    at = {name: _systemd(text) for name, text in fields_of(job).items()}
    days = "" if at["day_of_week"] == "*" else at["day_of_week"].title() + " "
    return f"{days}*-{at['month']}-{at['day']} {at['hour']}:{at['minute']}:{at['second']} UTC"


def _systemd(text: str) -> str:
    """Steps begin at a number there, and ranges are written with two dots."""
    return ",".join(part.replace("*/", "0/").replace("-", "..") for part in text.split(","))
