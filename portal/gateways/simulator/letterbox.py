"""What arrived: one list for SMS, mail and Telegram, as the demo's inbox shows it. Kept in memory, the newest few hundred."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime

_MOST = 300


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One message that arrived. `to` is digits, an address or a chat; `parts` of an SMS."""

    id: int
    channel: str
    to: str
    sender: str
    text: str
    at: datetime
    subject: str = ""
    parts: int = 0


class Letterbox:
    """Everything that arrived, the newest last."""

    def __init__(self) -> None:
        self._letters: deque[Letter] = deque(maxlen=_MOST)
        self._made = 0

    def put(
        self, channel: str, *, to: str, sender: str, text: str, at: datetime, subject: str = "", parts: int = 0
    ) -> Letter:
        """Let one arrive."""
        self._made += 1
        letter = Letter(
            id=self._made, channel=channel, to=to, sender=sender, text=text, at=at, subject=subject, parts=parts
        )
        self._letters.append(letter)
        return letter

    def all(self, *, channel: str = "", to: str = "") -> list[Letter]:
        """What arrived, by channel and recipient."""
        return [one for one in self._letters if channel in ("", one.channel) and to in ("", one.to)]
