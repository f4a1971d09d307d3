"""Query words of `print`: a stack machine that decides which rows are sent.

Source: MikroTik manual, API, Queries. The stack starts with endless true; a row passes if no false is left on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from routeros.simulator import traps, values

Row = Mapping[str, str]
Predicate = Callable[[Row], bool]
_Step = Callable[[list[bool], Row], None]


def compile_query(words: Iterable[str]) -> Predicate | None:
    """Build the predicate of a sentence's query words (with their `?`); None when there are none. Raises Trap."""
    steps = [_compile_word(word[1:]) for word in words]
    if not steps:
        return None

    def passes(row: Row) -> bool:
        stack: list[bool] = []
        for step in steps:
            step(stack, row)
        return all(stack)

    return passes


def _compile_word(word: str) -> _Step:
    if word.startswith("#"):
        return _compile_operations(word[1:])
    if word.startswith("-"):
        return _absent(word[1:])
    mark = word[:1] if word[:1] in {"<", ">", "="} else ""
    name, equals, operand = word[len(mark) :].partition("=")
    if not name:
        raise traps.Trap("invalid query", traps.BAD_ARGUMENT)
    if mark in {"<", ">"}:
        return _compare(name, operand, is_less=mark == "<")
    return _equal(name, operand) if equals else _present(name)


def _absent(name: str) -> _Step:
    return lambda stack, row: stack.append(name not in row)


def _present(name: str) -> _Step:
    return lambda stack, row: stack.append(name in row)


def _equal(name: str, operand: str) -> _Step:
    also = {"yes": "true", "no": "false"}.get(operand)

    def step(stack: list[bool], row: Row) -> None:
        value = row.get(name)
        stack.append(value is not None and value in (operand, also))

    return step


def _compare(name: str, operand: str, *, is_less: bool) -> _Step:
    bound = _magnitude(operand)

    def step(stack: list[bool], row: Row) -> None:
        value = row.get(name)
        if value is None:
            stack.append(False)
            return
        size = _magnitude(value) if bound is not None else None
        if size is not None and bound is not None:
            stack.append(size < bound if is_less else size > bound)
        else:
            stack.append(value < operand if is_less else value > operand)

    return step


def _magnitude(text: str) -> float | None:
    """Give the number, time or address a value stands for, None for plain text."""
    if not text[:1].isdigit():
        return None
    if text.isdigit() and text.isascii():
        return float(text)
    for parse in (values.parse_duration, _address_number, values.parse_size):
        try:
            return float(parse(text))
        except ValueError:
            continue
    return None


def _address_number(text: str) -> int:
    return int(values.ip_id(text)[1:], 16)


def _compile_operations(operations: str) -> _Step:
    steps = _single(operations)

    def step(stack: list[bool], _row: Row) -> None:
        for operation in steps:
            _operate(stack, operation)

    return step


def _single(operations: str) -> list[str]:
    """Cut into single operations: `3.` copies value 3, a final `=3` replaces all, and `!`, `&`, `|`, `.`."""
    steps: list[str] = []
    digits = ""
    for sign in operations:
        if sign.isdigit():
            digits += sign
            continue
        if digits:
            steps.append(digits + ".")
            digits = ""
            if sign == ".":
                continue
        if sign not in "!&|.":
            raise traps.Trap("invalid query operation", traps.BAD_ARGUMENT)
        steps.append(sign)
    return [*steps, "=" + digits] if digits else steps


def _operate(stack: list[bool], operation: str) -> None:
    if operation == "!":
        stack.append(not _pop(stack))
    elif operation == "&":
        first, second = _pop(stack), _pop(stack)
        stack.append(first and second)
    elif operation == "|":
        first, second = _pop(stack), _pop(stack)
        stack.append(first or second)
    elif operation == ".":
        stack.append(_peek(stack, 0))
    elif operation.startswith("="):
        stack[:] = [_peek(stack, int(operation[1:]))]
    else:
        stack.append(_peek(stack, int(operation[:-1])))


def _pop(stack: list[bool]) -> bool:
    return stack.pop() if stack else True


def _peek(stack: list[bool], index: int) -> bool:
    return stack[-1 - index] if index < len(stack) else True
