"""The tables, a file per noun. Rows are the truth; what may happen to them is in `portal.states` and the nouns."""

from portal.tables.access import AccessGrant, Device, HotspotSession
from portal.tables.agents import Agent, AgentMoney, AgentRate, Allotment
from portal.tables.alerts import Alert
from portal.tables.announcements import Announcement, AnnouncementRead, Visit
from portal.tables.api import ApiAnswer, ApiToken
from portal.tables.branding import Branding
from portal.tables.c2b import C2bQuestion
from portal.tables.callbacks import Callback, CallbackAddress
from portal.tables.claims import Claim
from portal.tables.credits import Credit
from portal.tables.devices import DeviceSighting, DeviceVoucher
from portal.tables.dialins import Dialin, DialinSpan
from portal.tables.drift import DriftLook, KnownRow
from portal.tables.event_places import EventPlace
from portal.tables.exchanges import Exchange
from portal.tables.floats import CashFloat
from portal.tables.history import Event, JobRun
from portal.tables.imports import Import, ImportedCode, ImportRow
from portal.tables.invoices import Paper, PaperCounter, TaxSetting
from portal.tables.job_places import JobPlace, JobWorker
from portal.tables.ledger import LedgerEntry, LedgerPosting
from portal.tables.limits import Limit
from portal.tables.merchants import Merchant, MpesaAccount
from portal.tables.messages import (
    Message,
    MessageGateway,
    MessageReport,
    MessageSetting,
    MessageStop,
    MessageTemplate,
)
from portal.tables.meters import MeterSum
from portal.tables.mpesa import MpesaEnquiry, MpesaToken
from portal.tables.outages import OutageCredit, RouterOutage
from portal.tables.packages import Package
from portal.tables.payments import Checkout, Payment
from portal.tables.payouts import Payout, PayoutNumber, PayoutPlan
from portal.tables.prints import Print
from portal.tables.privacy import Erasure, ShopCopy
from portal.tables.promos import Promo, Redemption
from portal.tables.proofs import IdentityLink, KnownBrowser, Passkey, RecoveryCode
from portal.tables.pulls import PullPage, RouterPull
from portal.tables.rails import RailAccount
from portal.tables.receipts import Receipt
from portal.tables.reconciliation import Comparison, ComparisonLine, DailyClose, MpesaPace
from portal.tables.reminders import Reminder, ReminderChoice, WinBack
from portal.tables.reports import HourMark, Morning, Report, ReportChoice, SalesHour, UsageHour
from portal.tables.routers import Router, RouterCheck, RouterScript
from portal.tables.seals import EventSeal
from portal.tables.subscribers import Subscriber, SubscriberBill, SubscriberDevice, SubscriberReminder
from portal.tables.suspense import Refund, Suspense
from portal.tables.transfers import Transfer
from portal.tables.upkeep import Backup, BackupDrill, MaintenanceReport
from portal.tables.users import Membership, User, UserSession
from portal.tables.vouchers import Batch, Voucher
from portal.tables.webhooks import WebhookAttempt, WebhookEndpoint, WebhookMessage

__all__ = [
    "AccessGrant",
    "Agent",
    "AgentMoney",
    "AgentRate",
    "Alert",
    "Allotment",
    "Announcement",
    "AnnouncementRead",
    "ApiAnswer",
    "ApiToken",
    "Backup",
    "BackupDrill",
    "Batch",
    "Branding",
    "C2bQuestion",
    "Callback",
    "CallbackAddress",
    "CashFloat",
    "Checkout",
    "Claim",
    "Comparison",
    "ComparisonLine",
    "Credit",
    "DailyClose",
    "Device",
    "DeviceSighting",
    "DeviceVoucher",
    "Dialin",
    "DialinSpan",
    "DriftLook",
    "Erasure",
    "Event",
    "EventPlace",
    "EventSeal",
    "Exchange",
    "HotspotSession",
    "HourMark",
    "IdentityLink",
    "Import",
    "ImportRow",
    "ImportedCode",
    "JobPlace",
    "JobRun",
    "JobWorker",
    "KnownBrowser",
    "KnownRow",
    "LedgerEntry",
    "LedgerPosting",
    "Limit",
    "MaintenanceReport",
    "Membership",
    "Merchant",
    "Message",
    "MessageGateway",
    "MessageReport",
    "MessageSetting",
    "MessageStop",
    "MessageTemplate",
    "MeterSum",
    "Morning",
    "MpesaAccount",
    "MpesaEnquiry",
    "MpesaPace",
    "MpesaToken",
    "OutageCredit",
    "Package",
    "Paper",
    "PaperCounter",
    "Passkey",
    "Payment",
    "Payout",
    "PayoutNumber",
    "PayoutPlan",
    "Print",
    "Promo",
    "PullPage",
    "RailAccount",
    "Receipt",
    "RecoveryCode",
    "Redemption",
    "Refund",
    "Reminder",
    "ReminderChoice",
    "Report",
    "ReportChoice",
    "Router",
    "RouterCheck",
    "RouterOutage",
    "RouterPull",
    "RouterScript",
    "SalesHour",
    "ShopCopy",
    "Subscriber",
    "SubscriberBill",
    "SubscriberDevice",
    "SubscriberReminder",
    "Suspense",
    "TaxSetting",
    "Transfer",
    "UsageHour",
    "User",
    "UserSession",
    "Visit",
    "Voucher",
    "WebhookAttempt",
    "WebhookEndpoint",
    "WebhookMessage",
    "WinBack",
]
