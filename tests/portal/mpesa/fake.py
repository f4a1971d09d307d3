"""A Daraja that answers from lists and remembers what it was asked, behind httpx.MockTransport."""

import httpx

from portal.mpesa.wire import TOKEN_PATH

Answer = httpx.Response | Exception


class FakeDaraja:
    """Answers from a list per path, the last one again and again, and remembers what it was asked."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.answers: dict[str, list[Answer]] = {}
        self.issued = 0

    def will(self, path: str, *answers: Answer) -> None:
        self.answers[path] = list(answers)

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answers = self.answers.get(request.url.path)
        if answers is None and request.url.path == TOKEN_PATH:
            self.issued += 1
            return httpx.Response(200, json={"access_token": f"token-{self.issued}", "expires_in": "3599"})
        assert answers, f"nobody expected {request.url.path}"
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def asked(self, path: str) -> list[httpx.Request]:
        return [request for request in self.requests if request.url.path == path]


def answer(status: int, raw: bytes = b"", **headers: str) -> httpx.Response:
    return httpx.Response(status, content=raw, headers=headers)
