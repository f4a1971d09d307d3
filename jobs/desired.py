"""Moved to portal.desired, because the pull mode's answers need it too; kept for those who import it from here."""

from portal.desired import desired_state, desired_user, limit_at_first, profile_of

__all__ = ["desired_state", "desired_user", "limit_at_first", "profile_of"]
