"""What people prove with who they are: links mailed to them, passkeys, recovery codes, and the browsers they came with."""

from piccolo.columns import JSONB, Bytea
from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, key, link, moment, number, word
from portal.tables.merchants import Merchant
from portal.tables.users import User


class IdentityLink(
    Table, tablename="identity_links", db=DB, help_text="a secret given to one person for one purpose; used once"
):
    id = key()
    purpose = word(8, "signup, shop, team, reset, email, second or passkey", default="reset")
    token_hash = Bytea(unique=True, help_text="SHA-256 of the 256-bit token")
    token_sealed = Bytea(
        null=True, default=None, help_text="the token, AES-GCM, bound to this row, until its mail is written"
    )
    email = word(254, "to which address, lower case")
    user_id = link(User, "for which account; null: for one that is still to be made", null=True)
    merchant_id = link(Merchant, "an invitation: to which merchant's team", null=True)
    role = word(8, "an invitation: as what", null=True)
    data = JSONB(default="{}", help_text="what was typed: of a sign-up the shop and the password's hash")
    made_by = link(User, "who asked for it; null: the person itself, or the command", null=True)
    created_at = moment("when", null=False)
    expires_at = moment("of no use after this", null=False)
    used_at = moment("when it was used or taken back")


class Passkey(Table, tablename="passkeys", db=DB, help_text="a WebAuthn credential of a person"):
    id = key()
    user_id = link(User, "whose", index=True)
    name = word(60, "what the person calls it")
    credential_id = Bytea(unique=True, help_text="its name, chosen by the authenticator")
    credential = Bytea(help_text="attested credential data: identifier and public key")
    sign_count = number("the authenticator's counter at its last use; 0: it keeps none")
    created_at = moment("when it was registered", null=False)
    last_used_at = moment("when it last signed somebody in")


class RecoveryCode(Table, tablename="recovery_codes", db=DB, help_text="lets in once when the second step is lost"):
    id = key()
    user_id = link(User, "whose")
    code_hash = Bytea(help_text="HMAC-SHA256 of the folded code")
    created_at = moment("when it was shown", null=False)
    used_at = moment("when it was used")
    recovery_code_unique = Unique([user_id, code_hash])


class KnownBrowser(
    Table, tablename="known_browsers", db=DB, help_text="a browser somebody has signed in with: no notice, own counter"
):
    id = key()
    user_id = link(User, "who")
    token_hash = Bytea(help_text="SHA-256 of the browser's 256-bit cookie")
    created_at = moment("first sign-in", null=False)
    seen_at = moment("last sign-in", null=False)
    known_browser_unique = Unique([user_id, token_hash])
