"""The API described: OpenAPI 3.1 by Litestar's own generator, and a plain page made of it. Made when first asked for: memory.

The generator reads the handlers' types; added here is what it cannot know: tokens and scopes, problems, Idempotency-Key, Link."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, Router, get
from litestar.di import Provide
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme, Tag

from portal import i18n
from portal.api_tokens import Scope
from portal.controllers.api import captive, packages, shops, vouchers
from portal.controllers.api.problems import MEDIA_TYPE, TITLES
from portal.web import render
from portal.webhooks.kinds import KINDS

AnyRequest = Request[Any, Any, Any]
VERSION = "1"
_WORDS = "What a shop's own programs may do. Lists are newest first and page by cursor; moments are UTC; money is whole cents."
_KEY = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "Sent twice with the same request, it is done once and answered twice, for 24 hours",
}  # fmt: skip
_SCHEMA = "vocha_api_schema"
_CHANGES = ("post", "patch")


def described(groups: Sequence[tuple[str, Sequence[Any]]]) -> dict[str, Any]:
    """The OpenAPI document of these handlers: (path prefix, handlers) each."""
    bare = {name: _absent(name) for name in ("caller", "clock", "vault", "signer")}
    routers = [Router(path=path, route_handlers=list(handlers)) for path, handlers in groups]
    app = Litestar(
        route_handlers=routers,
        dependencies=bare,
        openapi_config=OpenAPIConfig(
            title="Vocha",
            version=VERSION,
            description=_WORDS,
            path="/none",
            render_plugins=[],
            use_handler_docstrings=True,
            operation_id_creator=lambda handler, _method, _path: handler.handler_name,
            components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
            tags=[Tag(name="merchant"), Tag(name="captive")],
        ),
        logging_config=None,
    )
    handlers = {
        (path, str(method).lower()): handler
        for route in app.routes
        for path in [getattr(route, "path_format", route.path)]
        for handler in getattr(route, "route_handlers", ())
        for method in handler.http_methods
    }
    document: dict[str, Any] = app.openapi_schema.to_schema()
    document["components"]["schemas"] |= _PROBLEM
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if (path, method) in handlers:
                _finish(operation, handlers[path, method], path=path, method=method)
    return document


def _absent(name: str) -> Provide:
    """Stands in for what the house gives handlers, so that it is not taken for a parameter; a function each, or they are one."""
    return Provide(lambda: name, sync_to_thread=False)


def _finish(operation: dict[str, Any], handler: Any, *, path: str, method: str) -> None:
    """What the generator cannot know of one operation."""
    is_captive = path.startswith("/api/captive/")
    operation["tags"] = ["captive" if is_captive else "merchant"]
    operation["security"] = [] if is_captive else [{"token": handler.opt.get("scopes", [])}]
    responses: dict[str, Any] = operation["responses"]
    responses.pop("400", None)
    responses.pop("500", None)
    statuses = [404, 422, 429, 503] + ([] if is_captive else [401, 403]) + ([409, 415] if method in _CHANGES else [])
    for status in sorted(statuses):
        responses[str(status)] = {"description": TITLES[status], "content": {MEDIA_TYPE: {"schema": _REF}}}
    if handler.opt.get("also"):
        responses |= {str(status): responses[str(handler.status_code)] for status in handler.opt["also"]}
    if method in _CHANGES:
        operation.setdefault("parameters", []).append(_KEY)
    if any(one.get("name") == "cursor" for one in operation.get("parameters", ())):
        link = {"schema": {"type": "string"}, "description": 'The next page: <address>; rel="next"'}
        responses["200"].setdefault("headers", {})["Link"] = link
    if handler.opt.get("streams"):
        text = {"schema": {"type": "string"}}
        responses["200"]["content"] = {"text/csv": text, "application/x-ndjson": text}


_REF = {"$ref": "#/components/schemas/Problem"}
_PROBLEM: Mapping[str, Any] = {
    "Problem": {
        "type": "object",
        "required": ["type", "title", "status", "detail", "reference"],
        "properties": {
            "type": {"type": "string", "description": "Leads to what this status means"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "reference": {"type": "string", "description": "Finds the request in our log"},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["detail"],
                    "properties": {
                        "detail": {"type": "string"},
                        "pointer": {"type": "string", "description": "Where in the body (RFC 6901)"},
                        "parameter": {"type": "string", "description": "Which parameter or header"},
                    },
                },
            },
        },
    }
}


def _document(request: AnyRequest) -> dict[str, Any]:
    state = request.app.state
    if _SCHEMA not in state:
        groups = [
            ("/api", [*vouchers.HANDLERS, *packages.HANDLERS, *shops.HANDLERS]),
            ("/api/captive", captive.HANDLERS),
        ]
        document = described(groups)
        document["servers"] = [{"url": state["settings"].base_url}]
        state[_SCHEMA] = document
    return state[_SCHEMA]


@get("/openapi.json")
async def openapi(request: AnyRequest) -> Response[bytes]:
    """The description, for programs."""
    text = msgspec.json.encode(_document(request))
    return Response(text, media_type="application/json", headers={"cache-control": "public, max-age=300"})


@get("/docs")
async def docs(request: AnyRequest) -> Response[str]:
    """The same for people."""
    document = _document(request)
    context = {"document": document, "operations": operations(document), "schemas": schemas(document)}
    context |= {"titles": TITLES, "scopes": list(Scope), "kinds": KINDS}
    return render(request, "api_docs.html", context, language=i18n.language(i18n.SOURCE))


def operations(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each operation with its method, path, the parts a page shows, and the schemas it takes and gives."""
    return [
        {
            "method": method.upper(),
            "path": path,
            "words": operation.get("description") or operation.get("summary", ""),
            "scopes": [scope for need in operation["security"] for scope in need["token"]],
            "is_public": not operation["security"],
            "parameters": operation.get("parameters", []),
            "takes": _named(operation.get("requestBody", {}).get("content", {})),
            "gives": {
                status: _named(given.get("content", {}))
                for status, given in operation["responses"].items()
                if status.startswith("2")
            },
        }
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def schemas(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each schema with its fields and what they hold, in words."""
    return [
        {
            "name": name,
            "words": schema.get("description", ""),
            "choices": schema.get("enum", []),
            "fields": [
                {"name": field, "holds": _holds(told), "is_needed": field in schema.get("required", [])}
                for field, told in schema.get("properties", {}).items()
            ],
        }
        for name, schema in document["components"]["schemas"].items()
    ]


def _holds(schema: Mapping[str, Any]) -> str:
    """What a field holds: "integer", "date-time or null", "list of Voucher", "reference or cash"."""
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "oneOf" in schema:
        return " or ".join(_holds(one) for one in schema["oneOf"])
    if "enum" in schema:
        return " or ".join(str(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_holds(schema['items'])}"
    kind = schema.get("type", "anything")
    return schema.get("format") or (kind if isinstance(kind, str) else " or ".join(kind))


def _named(content: Mapping[str, Any]) -> str:
    """The name of a schema, or what kind of text it is."""
    for kind, told in content.items():
        schema = told.get("schema", {})
        inner = schema.get("items", schema)
        if "$ref" in inner:
            return inner["$ref"].rpartition("/")[2]
        return ", ".join(content) if kind != "application/json" else schema.get("type", "")
    return ""


HANDLERS = [openapi, docs]
