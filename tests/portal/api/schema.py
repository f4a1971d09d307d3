"""Whether a value is what a JSON schema says, as far as our own OpenAPI document uses schemas. What it does not know is an error."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

_TYPES: Mapping[str, Any] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "object": dict, "array": list, "null": type(None),
}  # fmt: skip
_KNOWN = frozenset(
    {
        *(
            "$ref",
            "type",
            "oneOf",
            "enum",
            "const",
            "items",
            "properties",
            "required",
            "format",
            "description",
            "title",
            "default",
        ),
        *("minLength", "maxLength", "minimum", "maximum", "additionalProperties", "examples"),
    }
)


def faults(value: Any, schema: Mapping[str, Any], document: Mapping[str, Any], *, at: str = "#") -> list[str]:
    """Everything in which the value is not what the schema says."""
    unknown = set(schema) - _KNOWN
    assert not unknown, f"{at}: this test does not know {unknown}"
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return faults(value, document["components"]["schemas"][name], document, at=at)
    if "oneOf" in schema:
        tried = [faults(value, one, document, at=at) for one in schema["oneOf"]]
        return [] if any(not found for found in tried) else [f"{at}: {value!r} is none of {len(tried)} kinds"]
    found: list[str] = []
    kinds = schema.get("type", [])
    wanted = [kinds] if isinstance(kinds, str) else kinds
    if wanted and not any(_is(value, kind) for kind in wanted):
        return [f"{at}: {value!r} is no {kinds}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{at}: {value!r} is none of {schema['enum']}")
    if isinstance(value, dict):
        found += _object(value, schema, document, at)
    if isinstance(value, list):
        for number, one in enumerate(value):
            found += faults(one, schema.get("items", {}), document, at=f"{at}/{number}")
    if isinstance(value, str) and schema.get("format") == "date-time":
        assert datetime.fromisoformat(value).tzinfo is not None, f"{at}: a moment without a zone"
    if isinstance(value, str) and schema.get("format") == "date":
        date.fromisoformat(value)
    return found


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])


def _object(value: dict[str, Any], schema: Mapping[str, Any], document: Mapping[str, Any], at: str) -> list[str]:
    properties = schema.get("properties", {})
    found = [f"{at}: {name} is missing" for name in schema.get("required", ()) if name not in value]
    for name, one in value.items():
        if name in properties:
            found += faults(one, properties[name], document, at=f"{at}/{name}")
        elif properties:
            found.append(f"{at}: {name} is not described")
    return found
