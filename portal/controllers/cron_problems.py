"""What the cron door refuses, as machines read it: application/problem+json (RFC 9457), with a sentence for whoever set it up."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException

log = logging.getLogger(__name__)


class Problem(Exception):  # noqa: N818  (it reads as a sentence where it is raised)
    """A refusal. `more` are further members of the answer."""

    def __init__(
        self, status: int, title: str, detail: str, *, more: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(title)
        self.status = status
        self.body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **(more or {})}
        self.headers = {"cache-control": "no-store", **(headers or {})}


def answer_problem(_request: Request[Any, Any, Any], problem: Problem) -> Response[Any]:
    """The refusal as an answer."""
    return Response(
        problem.body, status_code=problem.status, media_type="application/problem+json", headers=problem.headers
    )


def answer_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """What the framework refuses: a wrong method, an address that is no number."""
    title = HTTPStatus(error.status_code).phrase
    headers = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
    return answer_problem(request, Problem(error.status_code, title, "See docs/jobs.md.", headers=headers))


def answer_lost(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The database is away; the worker makes up for what was missed, so nothing is lost by this."""
    log.warning("cron door: the database is away", extra={"error": repr(error)})
    words = "The database does not answer. Ask again; workers make up for missed slots by themselves."
    return answer_problem(request, Problem(503, "Not now", words, headers={"retry-after": "30"}))
