"""Who is an operator. For everybody else none of this is there."""

from portal.errors import NotFound
from portal.identity import Actor


def operator(actor: Actor) -> str:
    """The operator as events name them; NotFound for anybody else, and while they look at a shop in its owner's place."""
    if not actor.is_operator:
        raise NotFound
    return f"user:{actor.user_id}"
