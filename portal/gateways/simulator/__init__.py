"""Message gateways on loopback: Africa's Talking, a mail server and Telegram, with one inbox. For the demo and the tests."""

from portal.gateways.simulator.letterbox import Letter, Letterbox
from portal.gateways.simulator.mail_server import MailServer
from portal.gateways.simulator.post_office import API_KEY, BOT_TOKEN, Mishaps, PostOffice

__all__ = ["API_KEY", "BOT_TOKEN", "Letter", "Letterbox", "MailServer", "Mishaps", "PostOffice"]
