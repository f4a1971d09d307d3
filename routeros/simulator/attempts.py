"""One try to log in to the hotspot, as the servlet, a cookie or the API brings it. A value; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Attempt:
    """One try to log in. `by` is the login method; `api` and the remembered methods bring the password in clear."""

    ip: str
    mac: str
    username: str
    by: str
    password: str | None = None
    chap_id: bytes | None = None
    chap_challenge: bytes | None = None
    chap_response: str | None = None
    domain: str = ""
    #: The `radius…` fields of the login form.
    radius_fields: tuple[tuple[str, str], ...] = ()
