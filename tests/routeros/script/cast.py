"""The routers of these tests: one of every way and family, with names that need quoting."""

from dataclasses import replace

from routeros.script.onboarding import (
    ApiLogin,
    DirectApi,
    ExistingHotspot,
    Family,
    NewHotspot,
    Onboarding,
    PullAgent,
    Trust,
    Variant,
    WireGuard,
)

PEM = "-----BEGIN CERTIFICATE-----\n" + "TUlJ" * 300 + "\n-----END CERTIFICATE-----\n"
KEYS = ("A" * 42 + "A=", "b" * 42 + "E=")
LOGIN = ApiLogin("vocha", "s3cretS3cretS3cret")
NEW = NewHotspot("10.5.50.0/24", "10.5.50.1", "10.5.50.10", "10.5.50.250")
OLD = ExistingHotspot("10.5.50.0/24")
DIRECT = DirectApi(LOGIN, "203.0.113.9")
TUNNEL = WireGuard(LOGIN, KEYS[0], KEYS[1], "vpn.example.co.ke", 51820, "100.64.0.2", "100.64.0.1")
PULL = PullAgent("https://wifi.example.co.ke/pull", "router-secret-0001", "answer-secret-0001")

BASE = Onboarding(
    router_name="Duka la Njeri",
    merchant_name='Mama "Njeri" & $(password)',
    family=Family.SEVEN,
    interface="bridge",
    hotspot=NEW,
    portal_url="https://wifi.example.co.ke",
    site="5f2e9c",
    help_phone="0712 345 678",
    way=TUNNEL,
    garden_hosts=("*.safaricom.co.ke",),
    garden_addresses=("198.51.100.0/24", "203.0.113.80/32"),
)
SIX = replace(BASE, family=Family.SIX, way=DIRECT, trust=Trust.OURS, ca_pem=PEM)

#: One of every kind, by a name for the test's id.
EVERY = {
    "7 tunnel new": BASE,
    "7 tunnel existing": replace(BASE, hotspot=OLD),
    "7 direct new": replace(BASE, way=DIRECT),
    "7 tls existing": replace(BASE, way=replace(DIRECT, port=8729), hotspot=OLD, dns_name="login.duka.example"),
    "7 pull new": replace(BASE, way=PULL, trust=Trust.OURS, ca_pem=PEM),
    "7 json existing": replace(BASE, way=replace(PULL, variant=Variant.JSON), hotspot=OLD),
    "6 direct new": SIX,
    "6 direct existing": replace(SIX, hotspot=OLD),
    "6 pull new": replace(SIX, way=PULL),
    "6 pull existing": replace(SIX, way=PULL, hotspot=OLD),
}
