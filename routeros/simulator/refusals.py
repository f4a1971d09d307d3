"""Why a hotspot login is refused: the keys of the router's errors.txt and their English words.

Keys and words: MikroTik manual, HotSpot customisation, errors.txt.
"""

from __future__ import annotations

from routeros.simulator.attempts import Attempt

ERROR_TEXTS = {
    "internal-error": "internal error ($(error-orig))",
    "config-error": "configuration error ($(error-orig))",
    "not-logged-in": "you are not logged in (ip $(ip))",
    "ippool-empty": "cannot assign ip address - no more free addresses from pool",
    "shutting-down": "hotspot service is shutting down",
    "user-session-limit": "no more sessions are allowed for user $(username)",
    "license-session-limit": "session limit reached ($(error-orig))",
    "wrong-mac-username": "invalid username ($(username)): this MAC address is not yours",
    "chap-missing": "web browser did not send challenge response (try again, enable JavaScript)",
    "invalid-username": "invalid username or password",
    "otp-already-used": "this OTP token is already used",
    "invalid-mac": "user $(username) is not allowed to log in from this MAC address",
    "uptime-limit": "user $(username) has reached uptime limit",
    "traffic-limit": "user $(username) has reached traffic limit",
    "radius-timeout": "RADIUS server is not responding",
    "auth-in-progress": "already authorizing, retry later",
    "radius-reply": "$(error-orig)",
}


class LoginRefused(Exception):  # noqa: N818  (the router's word for it)
    """A hotspot login failed. `key` is one of ERROR_TEXTS; `error_orig` is the inner reason some texts quote."""

    def __init__(self, key: str, username: str, error_orig: str = "") -> None:
        super().__init__(key)
        self.key = key
        self.username = username
        self.error_orig = error_orig

    def text(self, ip: str = "") -> str:
        """Return the English sentence with its variables filled in."""
        words = ERROR_TEXTS[self.key].replace("$(error-orig)", self.error_orig)
        return words.replace("$(username)", self.username).replace("$(ip)", ip)


class RadiusQuestion(Exception):  # noqa: N818  (no error: somebody has to wait for an answer)
    """A login depends on a RADIUS server that has not been asked about it yet."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(attempt.username)
        self.attempt = attempt
