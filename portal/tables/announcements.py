"""What the operator tells all merchants, who has read it, notes about merchants, and who looked at a shop in its owner's place."""

from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, key, link, moment, text, word
from portal.tables.merchants import Merchant
from portal.tables.users import User


class Announcement(Table, tablename="announcements", db=DB, help_text="what the operator tells merchants"):
    id = key()
    text_en = text("in English", null=False)
    text_sw = text("in Swahili", null=False)
    kind = word(12, "for merchants of which kind; empty: for all")
    from_at = moment("shown from", null=False)
    until_at = moment("shown until", null=False)
    created_by = link(User, "who wrote it")
    created_at = moment("when", null=False)
    ended_at = moment("when it was taken back")


class AnnouncementRead(Table, tablename="announcement_reads", db=DB, help_text="somebody put an announcement away"):
    id = key()
    announcement_id = link(Announcement, "which")
    user_id = link(User, "who", index=True)
    read_once = Unique([announcement_id, user_id])


class Visit(
    Table, tablename="visits", db=DB, help_text="an operator looks at a shop as its owner sees it, for a while"
):
    id = key()
    user_id = link(User, "the operator", index=True)
    merchant_id = link(Merchant, "the shop", index=True)
    owner_id = link(User, "in whose place")
    reason = word(200, "why something may be changed; empty: nothing may")
    started_at = moment("when it began", null=False)
    ends_at = moment("when it ends by itself", null=False)
    ended_at = moment("when it was ended")
    session_key = word(32, "the browser's session, as form tokens name it")
