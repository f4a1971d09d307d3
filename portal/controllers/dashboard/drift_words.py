"""Words for drift: what is the matter, and what a look was for."""

from collections.abc import Mapping

from portal.drift import INCOMPLETE, NOT_TAKEN_OFF, Kind, Standing, Wish
from portal.msgid import N_
from portal.routers.findings import sentence_of

#: Kind of a finding → what is the matter.
KIND_WORDS: Mapping[str, str] = {
    Kind.MISSING: N_("Paid for, but not on the router"),
    Kind.CHANGED: N_("On the router with other limits than were sold"),
    Kind.FREE: N_("Online, though nothing is paid for"),
    Kind.SURPLUS: N_("Left on the router, though nothing is paid for"),
    Kind.FOREIGN_ONLINE: N_("Online with a user that we did not make"),
    Kind.FOREIGN_USER: N_("A user that we did not make, not online now"),
    Kind.BYPASSED: N_("Let through without signing in"),
    Kind.DIALIN_MISSING: N_("Monthly customer, but not on the router"),
    Kind.DIALIN_CHANGED: N_("Monthly customer with another speed or password on the router"),
    Kind.DIALIN_FREE: N_("Monthly customer who is suspended, but online"),
    Kind.DIALIN_SURPLUS: N_("Left on the router, though no monthly customer has this name"),
    Kind.FOREIGN_DIALIN: N_("A PPPoE user that we did not make"),
}
#: What a look is for → what is going on while it is under way.
WISH_WORDS: Mapping[str, str] = {
    Wish.LOOK: N_("Looking at the router"),
    Wish.REPAIR: N_("Repairing"),
    Wish.REMOVE: N_("Removing"),
}


def why_failed(standing: Standing) -> str:
    """The sentence about the last look, when that failed; "" when it did not."""
    if standing.failed is None:
        return ""
    error = standing.failed.error
    return error if error in (INCOMPLETE, NOT_TAKEN_OFF) else sentence_of(error)
