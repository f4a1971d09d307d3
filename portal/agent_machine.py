"""The state machine of agents, beside those of `portal.machines`. Pure.

A paused agent is given nothing and sells nothing here; cards already handed on to customers work on, for they were paid for."""

from enum import StrEnum

from portal.machines import E, Transitions


class AgentStatus(StrEnum):
    """Whether somebody sells for a merchant."""

    ACTIVE = "active"
    PAUSED = "paused"
    CLOSED = "closed"


_A = AgentStatus

AGENT: Transitions = {
    (_A.ACTIVE, E.PAUSE): _A.PAUSED,
    (_A.PAUSED, E.RESUME): _A.ACTIVE,
    (_A.ACTIVE, E.CLOSE): _A.CLOSED,
    (_A.PAUSED, E.CLOSE): _A.CLOSED,
}
