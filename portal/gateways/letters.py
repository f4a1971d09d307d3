"""A message as a mail: its headers and parts in bytes. Sending it is not here. Loaded when the first mail goes out."""

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from portal.gateways.interface import Outgoing

# Servers without 8BITMIME take nothing else.
_POLICY = SMTP.clone(cte_type="7bit")


def compose(message: Outgoing, *, sender: str, at: datetime) -> bytes:
    """The mail, with CRLF line ends and nothing but 7-bit characters. `sender` and the message's `to` are plain addresses."""
    mail = EmailMessage(policy=_POLICY)
    domain = sender.rpartition("@")[2]
    mail["From"], mail["To"], mail["Subject"] = sender, message.to, " ".join(message.subject.split())[:200]
    mail["Date"], mail["Message-ID"] = format_datetime(at), f"<{message.key}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    if message.file_text:
        mail.add_attachment(
            message.file_text.encode(), maintype="text", subtype="csv", filename=message.file_name or "report.csv",
            params={"charset": "utf-8"},
        )  # fmt: skip
    return mail.as_bytes()
