"""Commands that run scripts or need the files: `/import`, `/execute`, `/system/script/run`, backups.

Each gives its answer later, because a script may wait; over the API that is a job, in a script part of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any

from routeros.simulator import traps
from routeros.simulator.calls import Answer, Call
from routeros.simulator.menus.base import Handler, Menu, Shown
from routeros.simulator.scripting.errors import LimitError, ScriptError
from routeros.simulator.scripting.interpreter import Context, Interpreter
from routeros.simulator.scripting.jobs import Job, Outside
from routeros.simulator.scripting.menu_commands import ScriptCall
from routeros.simulator.scripting.printing import with_ending
from routeros.simulator.scripting.scheduling import rights_of
from routeros.simulator.scripting.values import NOTHING, ItemId, Value, inward, outward, text_of

if TYPE_CHECKING:
    from routeros.simulator.scripting.host import ScriptHost

_BACKUP = "RouterOS simulator backup\n"
_LONGEST_EXECUTED = 65536
_TIMED_OUT = "action timed out - try again, if error continues contact MikroTik support and send a supout file (13)"


class JobMenu(Menu):
    """`/system/script/job`: the scripts that run now; `remove` ends one."""

    def __init__(self, jobs: list[Job[Any]]) -> None:
        super().__init__("/system/script/job")
        self._jobs = jobs
        self.writers = {"remove": self.remove}

    def shown(self) -> Iterable[Shown]:
        """Return the running jobs."""
        return [
            {".id": job.id, "type": "command", "started": f"{job.started_at:%Y-%m-%d %H:%M:%S}", "script": job.name}
            for job in self._jobs
        ]

    def remove(self, call: Call) -> Answer:
        """End jobs. Raises Trap for one that is not there."""
        wanted = call.need(".id", "numbers").split(",")
        found = [job for job in self._jobs if job.id in wanted]
        if len(found) < len(wanted):
            raise traps.no_such_item()
        for job in found:
            job.cancel()
        return Answer()


class EnvironmentMenu(Menu):
    """`/system/script/environment`: the global variables."""

    def __init__(self, variables: dict[str, Value]) -> None:
        super().__init__("/system/script/environment")
        self._variables = variables
        self.writers = {"remove": self.remove}

    def shown(self) -> Iterable[Shown]:
        """Return the variables by name."""
        return [
            {".id": f"*{number:X}", "name": outward(name), "value": outward(text_of(self._variables[name]))}
            for number, name in enumerate(sorted(self._variables), 1)
        ]

    def remove(self, call: Call) -> Answer:
        """Forget variables, by id or name. Raises Trap for one that is not there."""
        rows = list(self.shown())
        for ref in call.need(".id", "numbers").split(","):
            names = [row["name"] for row in rows if ref in (row[".id"], row["name"])]
            if not names:
                raise traps.no_such_item()
            self._variables.pop(inward(names[0]), None)
        return Answer()


def install(host: ScriptHost) -> None:
    """Put the commands into the router's dispatcher."""
    commands = host.router.dispatcher.commands
    commands["/tool/fetch"] = lambda call: _later(host, call, host.fetch.run(call.arguments), "fetch")
    commands["/import"] = lambda call: _later(host, call, _import(host, call), "import")
    commands["/system/script/run"] = lambda call: _later(host, call, _run_stored(host, call), "script")
    commands["/execute"] = lambda call: _execute_by_api(host, call)
    commands["/system/backup/save"] = lambda call: _save(host, call)
    commands["/system/backup/load"] = lambda call: _load(host, call)
    commands["/system/reboot"] = _rebooting(host)


def _rebooting(host: ScriptHost) -> Handler:
    def reboot(_call: Call) -> Answer:
        host.reboot_soon()
        return Answer()

    return reboot


def _later(host: ScriptHost, call: Call, work: Coroutine[Any, Any, Answer], name: str) -> Answer:
    """Answer with work: as part of the script that asks, as a job for the API."""
    return Answer(later=work if isinstance(call, ScriptCall) else host.live(work, name))


def _context(call: Call, name: str, policies: frozenset[str] | None = None) -> Context:
    given = call.policies if policies is None else policies
    return Context(given, user=call.user, name=name)


async def _nested(host: ScriptHost, text: str, context: Context, call: Call) -> None:
    if isinstance(call, ScriptCall):
        await host.runner.nested(text, context, call.context)
    else:
        await host.runner.script(text, context)


async def _run_stored(host: ScriptHost, call: Call) -> Answer:
    row = host.stored.table.find(call.need(".id", "number"))
    if row is None:
        raise traps.no_such_item()
    own = call.arguments.get("use-script-permissions", "no") not in {"no", "false"}
    policies = rights_of(row, call.policies, own=own)
    host.stored.note_run(row)
    await _nested(host, row.get("source"), _context(call, row.get("name"), policies), call)
    return Answer()


async def _import(host: ScriptHost, call: Call) -> Answer:
    text = host.files.read(call.need("file-name"))
    context = _context(call, "import")
    context.is_terminal = True
    if isinstance(call, ScriptCall):
        context.output, context.calls, context.steps = call.context.output, call.context.calls + 1, call.context.steps
        if context.calls > 24:
            raise LimitError("script calls itself too deeply")
    start = call.arguments.get("from-line", "1")
    if not start.isdigit():
        raise traps.invalid_value("from-line")
    lines = text.splitlines(keepends=True)
    text = "".join(lines[max(0, int(start) - 1) :])
    is_dry = call.arguments.get("dry-run", "no") not in {"no", "false"}
    shows = call.arguments.get("verbose", "no") not in {"no", "false"}
    if is_dry and (errors := host.runner.check(text, context)):
        raise ScriptError(f"Script Error: found {errors} error(s) in import file")
    if not is_dry:
        try:
            await host.runner.imported(text, context, before_each=_pace(host, call), shows=shows)
        except LimitError:
            raise
        except ScriptError as error:
            if host.router.schema.version >= (7,):
                raise ScriptError(f"Script Error: {error.message}", where=error.where) from None
            raise
        context.say("Script file loaded and executed successfully")
    return Answer()


def _pace(host: ScriptHost, call: Call) -> Callable[[], Awaitable[None]]:
    """What happens before each command of an imported file: it takes the board's time, and it may break off there."""
    done = 0

    async def before_each() -> None:
        nonlocal done
        most = host.router.faults.break_import_after
        if most is not None and done >= most:
            raise ScriptError(_TIMED_OUT)
        done += 1
        if not isinstance(call, ScriptCall) and host.router.latency.scripted:
            await Outside(host.router.processor.run_line())

    return before_each


async def execute(host: ScriptHost, interpreter: Interpreter, given: dict[str, Value]) -> Value:
    """Do `:execute`: start a job and give its id, or with `as-string` run it now and give what it printed."""
    text, caller = outward(text_of(given.get("script", NOTHING))), interpreter.context
    _check_length(text)
    context = Context(caller.policies, caller.user, "execute")
    if "as-string" in given:
        context.steps, context.calls = caller.steps, caller.calls + 1
        if context.calls > 24:
            raise LimitError("script calls itself too deeply")
        await host.runner.script(text, context)
        caller.steps = context.steps
        return inward("\n".join(context.output))
    file = outward(text_of(given["file"])) if "file" in given else ""
    return ItemId(_background(host, text, context, file).id)


def _execute_by_api(host: ScriptHost, call: Call) -> Answer:
    text = call.need("script")
    _check_length(text)
    if "as-string" in call.arguments:
        return Answer(later=host.live(_as_string(host, text, _context(call, "execute")), "execute"))
    return Answer(ret=_background(host, text, _context(call, "execute"), call.arguments.get("file", "")).id)


async def _as_string(host: ScriptHost, text: str, context: Context) -> Answer:
    await host.runner.script(text, context)
    return Answer(ret="\n".join(context.output))


def _check_length(text: str) -> None:
    if len(text) > _LONGEST_EXECUTED:
        raise traps.Trap("failure: script is longer than 64 KB")


def _background(host: ScriptHost, text: str, context: Context, file: str) -> Job[Value]:
    def done(_result: Value | None, error: BaseException | None) -> None:
        if isinstance(error, ScriptError):
            context.say(outward(error.message))
        elif isinstance(error, Exception):
            raise error
        if file:
            host.files.write(with_ending(file, ".txt"), "\n".join(context.output) + "\n")

    return host.start(host.runner.script(text, context), context.name, done)


def _save(host: ScriptHost, call: Call) -> Answer:
    call.permit("policy")
    stamp = f"{host.local_now():%Y%m%d-%H%M}"
    name = call.arguments.get("name") or f"{host.router.hotspot.identity}-{stamp}"
    password = call.arguments.get("password", "")
    host.files.write(with_ending(name, ".backup"), f"{_BACKUP}{password}\n{host.save()}", kind="backup")
    return Answer()


def _load(host: ScriptHost, call: Call) -> Answer:
    call.permit("policy")
    if "password" not in call.arguments:
        raise traps.missing_value("password")
    text = host.files.read(with_ending(call.need("name"), ".backup"))
    password, _, state = text.removeprefix(_BACKUP).partition("\n")
    if not text.startswith(_BACKUP):
        raise traps.Trap("failure: not a backup file")
    if password != call.arguments["password"]:
        raise traps.Trap("failure: wrong password")
    host.restore(state)
    host.reboot_soon()
    return Answer()
