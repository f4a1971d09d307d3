"""Every name of an event that people can cause, read from the code: calls of `note`, and of functions that hand their name on to it, and
`move` by a person. What only machines do, carries another actor and is left out."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import portal
from portal.states import MACHINES, E

Names = set[tuple[str, str]]
_Function = ast.FunctionDef | ast.AsyncFunctionDef
#: Who calls what is called so: the file, the function, the call.
_Calls = dict[str, list[tuple[ast.Module, ast.FunctionDef | ast.AsyncFunctionDef, ast.Call]]]
_ROOT = Path(portal.__file__).parent
_NOT_READ = {"simulator", "demo", "piccolo_migrations"}
_NOBODY = ("road", "ACTOR", "source", "rail", "method")
_MOVES, _TABLE, _NAME = ("move", "move_all", "note"), 1, 3


@cache
def of_people() -> Names:
    """(Table, name) of everything that somebody signed in can cause."""
    paths = [path for path in sorted(_ROOT.rglob("*.py")) if not _NOT_READ & set(path.parts)]
    trees = [ast.parse(path.read_text()) for path in paths]
    calls: _Calls = defaultdict(list)
    for tree in trees:
        for function in _functions(tree):
            for call in _calls(function):
                calls[_name(call)].append((tree, function, call))
    return {each for tree in trees for each in _of_file(tree, calls)}


def of_machines() -> Names:
    """(Table, name) of every arrow."""
    return {(table, str(name)) for table, arrows in MACHINES.items() for _, name in arrows}


def _of_file(tree: ast.Module, calls: _Calls) -> Names:
    found: Names = set()
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for function in _functions(tree):
        for call in _calls(function):
            if _name(call) not in _MOVES or len(call.args) <= _NAME or not _by_person(call):
                continue
            tables = set(_texts(call.args[_TABLE], constants))
            own = constants | _assigned(function)
            for name in [*_texts(call.args[_NAME], own), *_handed_on(tree, calls, function, call.args[_NAME])]:
                found |= {(table, name) for table in tables}
    return found


def _by_person(call: ast.Call) -> bool:
    """Whether it may be one, at a merchant's: platform-wide events, and those whose actor is said to be a road or a job, are not."""
    said = {word.arg: ast.unparse(word.value) for word in call.keywords}
    by = said.get("actor", "'system'")
    return said.get("merchant_id") != "None" and by[0] not in "'\"" and not any(word in by for word in _NOBODY)


def _handed_on(tree: ast.Module, calls: _Calls, function: _Function, name: ast.expr) -> Iterator[str]:
    """The names that callers of a function give it, when the name is an argument of it: those in its file, and if it is for others,
    everywhere; and what callers of those give them."""
    arguments = [each.arg for each in function.args.args]
    if not isinstance(name, ast.Name) or name.id not in arguments + [each.arg for each in function.args.kwonlyargs]:
        return
    place = arguments.index(name.id) if name.id in arguments else None
    for one, caller, call in calls.get(function.name, ()):
        if caller.name == function.name or (function.name.startswith("_") and one is not tree):
            continue
        given = [word.value for word in call.keywords if word.arg == name.id]
        given += [call.args[place]] if place is not None and len(call.args) > place else []
        for value in given:
            yield from _texts(value, _assigned(caller))
            yield from _handed_on(one, calls, caller, value)


def _functions(tree: ast.Module) -> list[_Function]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _name(call: ast.Call) -> str:
    return (
        call.func.id
        if isinstance(call.func, ast.Name)
        else call.func.attr
        if isinstance(call.func, ast.Attribute)
        else ""
    )


def _assigned(function: _Function) -> dict[str, object]:
    """What its variables are given and its arguments stand at without being given."""
    found: dict[str, object] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
    named = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return found | {each.arg: value for each, value in named if value is not None}


def _texts(node: ast.expr, constants: Mapping[str, object]) -> Iterator[str]:
    """What texts an expression may be, as far as it says so itself."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from _texts(one, constants)
            yield from _texts(other, constants)
        case ast.Name(id=name) if isinstance(text := constants.get(name), str):
            yield text
        case ast.Name(id=name) if isinstance(value := constants.get(name), ast.Constant | ast.IfExp):
            yield from _texts(value, constants)
        case ast.Attribute(value=ast.Name(id="E"), attr=name):
            yield str(E[name])
        case _:
            return
