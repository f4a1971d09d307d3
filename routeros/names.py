"""How the objects we make on a router are called, and so which rows are ours. Pure.

A hotspot user is ours when its name AND its comment say so. Active sessions and cookies carry only the user's name;
user profiles have no comment (MikroTik manual, HotSpot user profiles), so for them the name must do.
"""

import hashlib
import re
from typing import Final

from routeros.values import HotspotUser
from routeros.words import read_rate_limit, write_rate_limit

PREFIX: Final = "vocha-"
TAG: Final = "vocha:"

_USER_NAME: Final = re.compile(r"vocha-[0-9a-f]{16}", re.ASCII)
_PROFILE_NAME: Final = re.compile(r"vocha-[0-9a-z-]{1,58}", re.ASCII)
_LONGEST_SLUG: Final = 58


def user_name(token: str) -> str:
    """`vocha-` and the 16 lower-case hex digits of a random token."""
    name = PREFIX + token
    if not is_own_name(name):
        raise ValueError("a user token is 16 lower-case hex digits")
    return name


def is_own_name(name: str) -> bool:
    """Whether we could have made a user of this name."""
    return _USER_NAME.fullmatch(name) is not None


def is_own_user(user: HotspotUser) -> bool:
    """Name and comment are ours, and the router did not make the row itself."""
    return is_own_name(user.name) and user.comment.startswith(TAG) and not user.is_dynamic


def comment_for(grant_id: str) -> str:
    """The comment that ties a user to its grant."""
    return TAG + grant_id


def grant_of(user: HotspotUser) -> str | None:
    """The grant id in the comment of a user of ours, None for anybody else's."""
    return user.comment.removeprefix(TAG) if is_own_user(user) else None


def is_own_profile_name(name: str) -> bool:
    """Whether we could have made a user profile of this name."""
    return _PROFILE_NAME.fullmatch(name) is not None


def profile_name(rate_limit: str, shared_users: int | None) -> str:
    """`vocha-512k-1m-x2`: the same terms give the same name, so packages with equal terms share a profile.

    `rate_limit` as in UserProfile, "" for full speed; `shared_users` None for any number. What would be too long to read, such as
    a burst of odd numbers, is named by its digest. A package's own name is never in it: that may be of any script.
    """
    spelled = write_rate_limit(read_rate_limit(rate_limit)) if rate_limit else "full"
    slug = re.sub(r"[^0-9a-z]+", "-", spelled.casefold()).strip("-")
    ending = f"-x{shared_users or 'any'}"
    if len(slug) + len(ending) > _LONGEST_SLUG:
        slug = hashlib.sha256(slug.encode()).hexdigest()[:24]
    return f"{PREFIX}{slug}{ending}"
