"""What messages there are: the sentence of each, to whom it goes, and how it may be treated. Pure.

A new message is a member of `Told`, its sentence, and, where it is not an ordinary message to a customer, its
place in the sets below."""

from collections.abc import Mapping
from enum import StrEnum

from portal.msgid import N_


class Channel(StrEnum):
    """How a message reaches somebody."""

    SMS = "sms"
    EMAIL = "email"
    TELEGRAM = "telegram"
    WEBHOOK = "webhook"


class Told(StrEnum):
    """What a message tells."""

    VOUCHER_CODE = "voucher_code"
    PART_PAYMENT = "part_payment"
    TIME_ADDED = "time_added"
    MONEY_KEPT = "money_kept"
    CREDIT_USED = "credit_used"
    NOT_MATCHED = "not_matched"
    WALLET_PAID = "wallet_paid"
    WALLET_SHORT = "wallet_short"
    BILL_SOON = "bill_soon"
    BILL_DUE = "bill_due"
    BILL_LATE = "bill_late"
    OWN_PAGE = "own_page"
    RECEIPT = "receipt"
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    VOUCHER_GIFT = "voucher_gift"
    EXPIRY_WARNING = "expiry_warning"
    TIME_OVER = "time_over"
    WIN_BACK = "win_back"
    SHOP_PART_PAYMENT = "shop_part_payment"
    SHOP_EXTRA = "shop_extra"
    SHOP_NOT_MATCHED = "shop_not_matched"
    SHOP_GATEWAY = "shop_gateway"
    SHOP_ROUTER_AWAY = "shop_router_away"
    SHOP_ROUTER_BACK = "shop_router_back"
    SHOP_MORNING = "shop_morning"
    SHOP_MORNING_LONG = "shop_morning_long"
    SHOP_WEEK = "shop_week"
    SHOP_MONTH = "shop_month"
    TEST = "test"
    ACCOUNT_CONFIRM = "account_confirm"
    ACCOUNT_EXISTS = "account_exists"
    ACCOUNT_SHOP = "account_shop"
    ACCOUNT_TEAM = "account_team"
    ACCOUNT_RESET = "account_reset"
    ACCOUNT_EMAIL = "account_email"
    ACCOUNT_MOVED = "account_moved"
    ACCOUNT_BROWSER = "account_browser"
    ACCOUNT_GUESSED = "account_guessed"
    ACCOUNT_CHANGED = "account_changed"


#: The sentence of each, short enough for one SMS. `code` and `package` are filled in from the voucher when it is sent.
SENTENCES: Mapping[Told, str] = {
    Told.VOUCHER_CODE: N_("%(shop)s: %(amount)s received. Your Wi-Fi code is %(code)s for %(package)s."),
    Told.PART_PAYMENT: N_(
        "%(shop)s: %(amount)s received. Pay %(rest)s more to account %(reference)s, then your code comes."
    ),
    Told.TIME_ADDED: N_("%(shop)s: %(amount)s received. %(package)s was added to your Wi-Fi."),
    Told.MONEY_KEPT: N_("%(shop)s: %(amount)s received and kept for you. Ask at the shop to use it or get it back."),
    Told.CREDIT_USED: N_("%(shop)s: %(amount)s that we kept for you has bought Wi-Fi. Was it not you? Tell the shop."),
    Told.NOT_MATCHED: N_(
        "%(amount)s received, but the account number is not known. Show M-Pesa code %(receipt)s at the shop."
    ),
    Told.WALLET_PAID: N_("%(shop)s: %(amount)s received for account %(account)s. Your Wi-Fi is paid until %(day)s."),
    Told.WALLET_SHORT: N_("%(shop)s: %(amount)s received for account %(account)s. Pay %(rest)s more for your Wi-Fi."),
    Told.BILL_SOON: N_("%(shop)s: pay %(amount)s to account %(account)s before %(day)s to keep your Wi-Fi."),
    Told.BILL_DUE: N_(
        "%(shop)s: %(amount)s is due for your Wi-Fi. Pay to account %(account)s. Without it, it stops on %(day)s."
    ),
    Told.BILL_LATE: N_(
        "%(shop)s: %(amount)s is not paid yet. Pay to account %(account)s, or your Wi-Fi stops on %(day)s."
    ),
    Told.OWN_PAGE: N_("%(shop)s: your Wi-Fi account, to see and to pay: %(link)s"),
    Told.RECEIPT: N_("%(shop)s: your receipt %(number)s, %(amount)s: %(link)s"),
    Told.INVOICE: N_("%(shop)s: your invoice %(number)s, %(amount)s: %(link)s"),
    Told.CREDIT_NOTE: N_("%(shop)s: your credit note %(number)s, %(amount)s: %(link)s"),
    Told.VOUCHER_GIFT: N_("%(shop)s: your Wi-Fi code is %(code)s for %(package)s. Join our Wi-Fi and type it there."),
    Told.EXPIRY_WARNING: N_(
        "%(shop)s: your Wi-Fi (%(package)s) ends at %(time)s. Buy more on the Wi-Fi page to stay online."
    ),
    Told.TIME_OVER: N_("%(shop)s: your Wi-Fi time (%(package)s) is over. Join the Wi-Fi again to buy more."),
    Told.WIN_BACK: N_(
        "%(shop)s: it has been a while. Wi-Fi from %(amount)s waits for you. Answer STOP for no more offers."
    ),
    Told.SHOP_PART_PAYMENT: N_("%(amount)s came for %(reference)s, %(rest)s is missing. Nothing was given out yet."),
    Told.SHOP_EXTRA: N_("%(amount)s came for something already paid, receipt %(receipt)s. See the sale."),
    Told.SHOP_NOT_MATCHED: N_("%(amount)s came in that fits nothing, receipt %(receipt)s. Decide what it is for."),
    Told.SHOP_GATEWAY: N_("Messages do not go out (%(channel)s). See Messages in the settings."),
    Told.SHOP_ROUTER_AWAY: N_(
        "Router %(router)s has not answered for %(minutes)s minutes. Check its power and its internet line."
    ),
    Told.SHOP_ROUTER_BACK: N_("Router %(router)s is back. It was away for %(minutes)s minutes."),
    Told.SHOP_MORNING: N_("%(shop)s, %(day)s: %(amount)s (%(sold)s sold)%(compared)s.%(notes)s"),
    Told.SHOP_MORNING_LONG: N_("Good morning. %(shop)s, %(day)s: %(amount)s (%(sold)s sold)%(compared)s.%(notes)s"),
    Told.SHOP_WEEK: N_("%(shop)s, %(period)s: %(amount)s (%(sold)s sold)%(compared)s."),
    Told.SHOP_MONTH: N_("%(shop)s, %(period)s: %(amount)s (%(sold)s sold)%(compared)s."),
    Told.TEST: N_("%(shop)s: this is a test message. All is well."),
    Told.ACCOUNT_CONFIRM: N_(
        "Welcome to Vocha. Open this link within a day and type your password, and your shop is ready: %(link)s\n\nYou did not "
        "ask for this? Then do nothing; nothing happens."
    ),
    Told.ACCOUNT_EXISTS: N_(
        "Somebody, perhaps you, tried to sign up to Vocha with this address. You have an account already: sign in, "
        "or choose “Forgot your password?” on the sign-in page."
    ),
    Told.ACCOUNT_SHOP: N_(
        "You are invited to sell Wi-Fi with Vocha. Open this link within 7 days to set up your shop: %(link)s"
    ),
    Told.ACCOUNT_TEAM: N_(
        "%(who)s invites you to work for %(merchant)s on Vocha. Open this link within 7 days: %(link)s\n\nYou do not know them? "
        "Then do nothing."
    ),
    Told.ACCOUNT_RESET: N_(
        "Choose a new password for Vocha within 30 minutes: %(link)s\n\nYou did not ask for this? Then do nothing; your password "
        "stays as it is."
    ),
    Told.ACCOUNT_EMAIL: N_("To use this address for your Vocha account, open this link within an hour: %(link)s"),
    Told.ACCOUNT_MOVED: N_(
        "The address of your Vocha account is changed to %(new)s. Was it not you? Tell us at once: answer this mail."
    ),
    Told.ACCOUNT_BROWSER: N_(
        "Your Vocha account was opened in a new browser: %(browser)s, from %(address)s. Was it not you? Choose a new password under "
        "Account, Security: that ends all other sessions."
    ),
    Told.ACCOUNT_GUESSED: N_(
        "Somebody knows the password of your Vocha account and keeps guessing the code after it. Choose a new password under "
        "Account, Security."
    ),
    Told.ACCOUNT_CHANGED: N_(
        "Something about how you sign in to Vocha was changed: %(what)s. Was it not you? Choose a new password "
        "under Account, Security, and look at what is set up there."
    ),
}
#: Subject lines of mails that are no letters; others have the shop's name.
SUBJECTS: Mapping[Told, str] = {
    Told.ACCOUNT_CONFIRM: N_("Your shop on Vocha"),
    Told.ACCOUNT_EXISTS: N_("You have an account on Vocha"),
    Told.ACCOUNT_SHOP: N_("Your invitation to Vocha"),
    Told.ACCOUNT_TEAM: N_("Invitation to work on Vocha"),
    Told.ACCOUNT_RESET: N_("A new password for Vocha"),
    Told.ACCOUNT_EMAIL: N_("Confirm your address"),
    Told.ACCOUNT_MOVED: N_("The address of your account is changed"),
    Told.ACCOUNT_BROWSER: N_("Your account was opened in a new browser"),
    Told.ACCOUNT_GUESSED: N_("Somebody knows your password"),
    Told.ACCOUNT_CHANGED: N_("How you sign in was changed"),
}
#: About a person's account: by mail, by the platform's gateway, in words that no merchant can change.
ABOUT_ACCOUNTS = frozenset(SUBJECTS)
#: What goes to the merchant's own people, by whatever way they chose, unless a way is named: every `SHOP_…`.
TO_SHOP = frozenset(told for told in Told if told.name.startswith("SHOP_"))
#: Goes out in quiet hours too: somebody paid and waits.
URGENT = frozenset(
    {
        Told.VOUCHER_CODE,
        Told.PART_PAYMENT,
        Told.TIME_ADDED,
        Told.MONEY_KEPT,
        Told.CREDIT_USED,
        Told.NOT_MATCHED,
        Told.WALLET_PAID,
        Told.WALLET_SHORT,
        Told.OWN_PAGE,
        Told.RECEIPT,
        Told.INVOICE,
        Told.CREDIT_NOTE,
        Told.VOUCHER_GIFT,
        Told.TEST,
    }
    | ABOUT_ACCOUNTS
)
#: About the customer's own money or access: sent though the number wants no messages otherwise.
SERVICE = URGENT | {Told.BILL_SOON, Told.BILL_DUE, Told.BILL_LATE}
