"""Messages written to a stream, for developers at a terminal: a `Gateway` for worlds of play money only."""

from typing import TextIO

from portal.gateways.interface import Accepted, Outcome, Outgoing


class Console:
    """Writes what would go out. Never in service: texts hold codes, and a service's output is kept in logs."""

    repeats_safely = True

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    async def send(self, message: Outgoing) -> Outcome:
        """One block of lines."""
        subject = f"{message.subject}\n" if message.subject else ""
        self._stream.write(f"--- {message.key} to {message.to}\n{subject}{message.text}\n")
        self._stream.flush()
        return Accepted()
