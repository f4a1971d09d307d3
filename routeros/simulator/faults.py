"""What can go wrong on the way to a router, switched on and off while it runs. All times are real seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from routeros.simulator.hostility import Mode


@dataclass(slots=True)
class Faults:
    """Faults of one router's API. Set attributes at any time; `clear` heals everything."""

    #: New connections are reset at once.
    refuse_connects: bool = False
    #: New and open connections take everything and answer nothing.
    black_hole: bool = False
    #: Half of the first reply sentence is sent, then nothing more on that connection.
    stall_mid_sentence: bool = False
    #: Each connection is cut after this many commands were answered (the login counts).
    drop_after_commands: int | None = None
    #: This many more commands are executed and then the connection is cut before the reply.
    drop_before_reply: int = 0
    #: From the next touched command on the connection is in the hands of an impostor. Logins are touched only where
    #: `only` is `/login`.
    hostile: Mode = ""
    #: Seconds between the single bytes of the hostile mode `drip`.
    drip_seconds: float = 0.05
    #: TLS handshakes end with an alert.
    tls_handshake_fails: bool = False
    #: Every import ends with an error after this many commands of its file.
    break_import_after: int | None = None
    #: `drop_before_reply`, `hostile` and the stall touch only commands that begin with this path.
    only: str = ""
    #: Waiting before each command.
    latency: float = 0.0
    #: Waiting before commands that begin with a path, instead of `latency`; the longest path wins.
    latency_of: dict[str, float] = field(default_factory=dict)

    def clear(self) -> None:
        """Heal everything."""
        fresh = Faults()
        for name in self.__slots__:
            setattr(self, name, getattr(fresh, name))

    def delay(self, command: str) -> float:
        """Return the wait before a command."""
        fitting = [path for path in self.latency_of if command.startswith(path)]
        return self.latency_of[max(fitting, key=len)] if fitting else self.latency

    def touches(self, command: str) -> bool:
        """Say whether the command faults apply to this command."""
        return command.startswith(self.only)

    def turns_hostile(self, command: str) -> bool:
        """Say whether this command's answer is an impostor's."""
        return bool(self.hostile) and self.touches(command) and (command != "/login" or self.only == "/login")

    def takes_reply(self, command: str) -> bool:
        """Say whether the reply of an executed command is lost; counts down."""
        if self.drop_before_reply <= 0 or not self.touches(command):
            return False
        self.drop_before_reply -= 1
        return True
