from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from portal.config import Settings, SettingsError

KEY = f"first:{'ab' * 32}"
SERVER = {"PORTAL_DATABASE_URL": "postgresql://u:pw@db/vocha", "PORTAL_SECRET_KEYS": KEY}
PRODUCTION = SERVER | {"PORTAL_MPESA_ENVIRONMENT": "production", "PORTAL_BASE_URL": "https://wifi.example.co.ke"}


@pytest.fixture
def embedded(tmp_path: Path) -> dict[str, str]:
    return {"PORTAL_DATA_DIR": str(tmp_path / "data")}


def complaint(env: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(env)
    return str(caught.value)


def test_nothing_but_a_folder_is_needed_to_begin(embedded: dict[str, str]):
    settings = Settings.from_env(embedded)
    assert settings.database_url is None
    assert settings.base_url == settings.mpesa_callback_base == "http://127.0.0.1:8000"
    assert settings.mpesa_url == "https://sandbox.safaricom.co.ke"
    assert settings.frame_ancestors == "'none'"
    assert settings.session_idle == timedelta(hours=12)
    assert settings.session_lifetime == timedelta(days=7)
    assert settings.trusted_proxies == ()
    assert settings.cron_secret is None


def test_the_first_start_makes_a_key_only_its_owner_can_read(embedded: dict[str, str]):
    first, second = Settings.from_env(embedded), Settings.from_env(embedded)
    path = Path(embedded["PORTAL_DATA_DIR"], "secret.key")
    assert first.secret_keys == second.secret_keys
    assert len(first.secret_keys[0][1]) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret.key"]


def test_two_machines_do_not_make_the_same_key(tmp_path: Path):
    one, two = (Settings.from_env({"PORTAL_DATA_DIR": str(tmp_path / name)}) for name in ("one", "two"))
    assert one.secret_keys != two.secret_keys


def test_a_key_file_others_may_read_stops_the_start(embedded: dict[str, str]):
    Settings.from_env(embedded)
    Path(embedded["PORTAL_DATA_DIR"], "secret.key").chmod(0o644)
    assert "chmod 600" in complaint(embedded)


def test_a_damaged_key_file_is_not_replaced(embedded: dict[str, str]):
    path = Path(embedded["PORTAL_DATA_DIR"], "secret.key")
    path.parent.mkdir()
    path.write_text("first:abcd\n")
    path.chmod(0o600)
    assert "secret.key" in complaint(embedded)
    assert path.read_text() == "first:abcd\n"


def test_a_shared_database_needs_shared_keys():
    said = complaint({"PORTAL_DATABASE_URL": "postgresql://u:pw@db/vocha"})
    assert "PORTAL_SECRET_KEYS: write name:64 hex digits" in said


def test_keys_are_listed_newest_first():
    env = SERVER | {"PORTAL_SECRET_KEYS": f"second:{'cd' * 32}, {KEY}"}
    assert [name for name, _ in Settings.from_env(env).secret_keys] == ["second", "first"]


def test_a_secret_may_stand_in_a_file(tmp_path: Path):
    path = tmp_path / "keys"
    path.write_text(f"{KEY}\n")
    env = {"PORTAL_DATABASE_URL": SERVER["PORTAL_DATABASE_URL"], "PORTAL_SECRET_KEYS_FILE": str(path)}
    assert Settings.from_env(env).secret_keys == (("first", b"\xab" * 32),)
    assert "not both" in complaint(env | {"PORTAL_SECRET_KEYS": KEY})


@pytest.mark.parametrize("content", [None, "", "nonsense", "\xff"])
def test_a_secret_file_that_holds_no_secret_stops_the_start(content: str | None, tmp_path: Path):
    path = tmp_path / "keys"
    if content is not None:
        path.write_text(content, encoding="latin-1")
    said = complaint({"PORTAL_DATABASE_URL": SERVER["PORTAL_DATABASE_URL"], "PORTAL_SECRET_KEYS_FILE": str(path)})
    assert said.count("PORTAL_") == 1
    assert "PORTAL_SECRET_KEYS_FILE: write" in said


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("DATABASE_URL", "mysql://db/vocha"),
        ("DATABASE_URL", "postgresql://db"),
        ("BASE_URL", "wifi.example"),
        ("BASE_URL", "https://wifi.example/path"),
        ("BASE_URL", "https://user@wifi.example"),
        ("BASE_URL", "https://wifi.example:port"),
        ("BASE_URL", "https://[wifi"),
        ("HOST", "0.0.0.0; rm"),
        ("PORT", "http"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("SECRET_KEYS", "abcd"),
        ("SECRET_KEYS", f"{KEY},{KEY}"),
        ("MPESA_ENVIRONMENT", "prod"),
        ("MPESA_URL", "http://sandbox.safaricom.co.ke"),
        ("MPESA_URL", "https://127.0.0.1:8100"),
        ("MPESA_CALLBACK_BASE", "ftp://wifi.example"),
        ("MPESA_TRUSTED_SOURCES", "196.201.214"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("CRON_SECRET", "x" * 31),
        ("FRAME_ANCESTORS", "'self'; script-src *"),
        ("FRAME_ANCESTORS", "'none' 'self'"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("WORKER_CONCURRENCY", "0"),
        ("SESSION_IDLE_HOURS", "169"),
        ("SESSION_LIFETIME_DAYS", "0.5"),
    ],
)
def test_a_wrong_value_stops_the_start_and_names_only_itself(name: str, wrong: str):
    said = complaint(SERVER | {f"PORTAL_{name}": wrong})
    assert f"  PORTAL_{name}: write " in said
    assert said.count(": write") == 1
    if name in {"DATABASE_URL", "SECRET_KEYS", "CRON_SECRET"}:
        assert wrong not in said


def test_everything_wrong_is_told_at_once():
    said = complaint({"PORTAL_PORT": "x", "PORTAL_LOG_LEVEL": "x", "PORTAL_DATABASE_URL": "postgresql://db/vocha"})
    assert all(name in said for name in ("PORTAL_PORT", "PORTAL_LOG_LEVEL", "PORTAL_SECRET_KEYS"))


def test_a_wrong_setting_leaves_no_key_behind(embedded: dict[str, str]):
    complaint(embedded | {"PORTAL_PORT": "x"})
    assert not Path(embedded["PORTAL_DATA_DIR"]).exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    assert "PORTAL_DATA_DIR: write" in complaint({"PORTAL_DATA_DIR": str(tmp_path / "file")})
    assert "PORTAL_DATA_DIR: write" in complaint({"PORTAL_DATA_DIR": str(tmp_path / "file" / "below")})


def test_an_empty_variable_counts_as_absent():
    assert Settings.from_env(SERVER | {"PORTAL_PORT": " ", "PORTAL_CRON_SECRET": ""}).port == 8000


def test_production_wants_an_address_safaricom_can_reach():
    settings = Settings.from_env(PRODUCTION)
    assert settings.mpesa_url == "https://api.safaricom.co.ke"
    assert settings.mpesa_callback_base == "https://wifi.example.co.ke"
    for base in ("http://wifi.example.co.ke", "https://localhost", "https://10.0.0.1", "https://pay.mpesa-wifi.co.ke"):
        said = complaint(PRODUCTION | {"PORTAL_BASE_URL": base})
        assert "PORTAL_MPESA_CALLBACK_BASE: write" in said
        assert said.count(": write") == 1
    apart = PRODUCTION | {
        "PORTAL_BASE_URL": "http://10.0.0.1",
        "PORTAL_MPESA_CALLBACK_BASE": "https://Pay.Example.co.ke/",
    }
    assert Settings.from_env(apart).mpesa_callback_base == "https://pay.example.co.ke"


def test_the_simulator_is_only_ever_on_this_machine():
    loopback = SERVER | {"PORTAL_MPESA_ENVIRONMENT": "loopback"}
    assert "PORTAL_MPESA_URL: write" in complaint(loopback)
    assert "PORTAL_MPESA_URL: write" in complaint(loopback | {"PORTAL_MPESA_URL": "https://api.safaricom.co.ke"})
    settings = Settings.from_env(loopback | {"PORTAL_MPESA_URL": "http://127.0.0.1:8100"})
    assert settings.mpesa_url == "http://127.0.0.1:8100"
    assert [str(source) for source in settings.mpesa_trusted_sources] == ["127.0.0.1/32", "::1/128"]


def test_safaricoms_published_addresses_are_trusted_and_their_neighbours_are_not():
    sources = Settings.from_env(PRODUCTION).mpesa_trusted_sources
    assert len(sources) == 12
    assert any(ip_address("196.201.212.69") in source for source in sources)
    assert not any(ip_address("196.201.212.70") in source for source in sources)


def test_proxies_and_sources_may_be_ranges_or_none():
    env = PRODUCTION | {"PORTAL_TRUSTED_PROXIES": "10.0.0.0/8 fd00::/8", "PORTAL_MPESA_TRUSTED_SOURCES": "none"}
    settings = Settings.from_env(env)
    assert ip_address("10.9.9.9") in settings.trusted_proxies[0]
    assert settings.mpesa_trusted_sources == ()


def test_settings_never_print_their_secrets():
    shown = repr(Settings.from_env(SERVER | {"PORTAL_CRON_SECRET": "c" * 40}))
    assert "c" * 40 not in shown
    assert "pw@" not in shown
    assert "xab" not in shown


@pytest.mark.parametrize("frame", ["'self'", "https://shop.example https://*.other.example:8443"])
def test_pages_may_be_framed_where_the_setting_says(frame: str):
    assert Settings.from_env(SERVER | {"PORTAL_FRAME_ANCESTORS": frame}).frame_ancestors == frame


def test_settings_cannot_be_changed_later():
    change: Callable[..., None] = setattr
    with pytest.raises(AttributeError):
        change(Settings.from_env(SERVER), "port", 1)
