"""The words of imports: origins, how one stands, and why a row is not taken over."""

from portal.imports.found import Why
from portal.msgid import N_

SOURCE_WORDS = {
    "mikhmon": (
        N_("Mikhmon"),
        N_("The router's own export (.rsc, with profiles and users), or Mikhmon's list of users as CSV."),
    ),
    "nuxbill": (N_("PHPNuxBill"), N_("The backup of its database (.sql), or one of its tables as CSV.")),
    "csv": (N_("A list of your own (CSV)"), N_("One line for each package or code, made with a spreadsheet.")),
}
#: Status → tone and word.
STATUS_WORDS = {
    "waiting": ("wait", N_("Being read")),
    "checked": ("info", N_("Looked at")),
    "running": ("wait", N_("Being taken over")),
    "done": ("ok", N_("Taken over")),
    "undoing": ("wait", N_("Being taken back")),
    "undone": ("off", N_("Taken back")),
    "failed": ("bad", N_("Not readable")),
    "dropped": ("off", N_("Dropped")),
}
KIND_WORDS = {
    "package": N_("Package"),
    "code": N_("Code"),
    "money": N_("Sale of then"),
    "person": N_("Customer"),
}
#: What is to be done, or was: tone and word.
VERDICT_WORDS = {
    "make": ("ok", N_("Will be made")),
    "join": ("info", N_("Is there already")),
    "skip": ("off", N_("Left out")),
    "tell": ("off", N_("Only told")),
}
OUTCOME_WORDS = {
    "made": ("ok", N_("Made")),
    "joined": ("info", N_("Was there already")),
    "skipped": ("off", N_("Left out")),
    "undone": ("off", N_("Taken back")),
    "kept": ("info", N_("Stayed: used since")),
}
WHY_WORDS = {
    Why.USED: N_("It is used up."),
    Why.OVER: N_("Its time is over."),
    Why.OFF: N_("It is switched off there."),
    Why.OURS: N_("Vocha made it."),
    Why.NO_CODE: N_("It has no code."),
    Why.LONG_CODE: N_("Its code is longer than 64 letters."),
    Why.TWICE: N_("The same code stands in the file twice."),
    Why.TAKEN: N_("You have this code already."),
    Why.NO_PACKAGE: N_("No package of this name, and the file does not say price and length. Make the package first."),
    Why.BAD_PRICE: N_("Its price is not a number of whole shillings."),
    Why.BAD_LENGTH: N_("It does not say how long it lasts, or longer than ten years."),
    Why.BAD_DATE: N_("Its date cannot be read. Write it like 2026-12-31 18:00."),
    Why.BAD_NUMBER: N_("A number or a size in it cannot be read."),
    Why.NO_NAME: N_("It has no name."),
    Why.DIALIN: N_("It is for PPPoE. Make these customers subscribers."),
    Why.BALANCE: N_("It sells balance, not time."),
    Why.MONEY: N_("Money of then is told here and never booked."),
    Why.PERSON: N_(
        "Customers are told here only; make who pays monthly a subscriber. A balance of theirs is yours to honour."
    ),
    Why.HALF: N_("The row is not whole."),
    Why.MEANWHILE: N_("You got this code by another way meanwhile."),
}
