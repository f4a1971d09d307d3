"""Which addresses are given to Daraja: its published rules, one by one."""

import pytest

from portal.mpesa.callback_urls import Fault, faults_of

GOOD = "https://wifi.example.co.ke/cb/0f3a"


def faults(url: str, environment: str = "production") -> list[Fault]:
    return [fault for fault, _ in faults_of(url, environment=environment)]


def test_a_public_https_address_in_small_letters_is_fine():
    assert faults(GOOD) == []
    assert faults("https://41.90.1.2/cb/0f3a") == []


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://wifi.example.co.ke/cb/0f3a", Fault.NOT_HTTPS),
        ("https://Wifi.example.co.ke/cb/0f3a", Fault.UPPER_CASE),
        ("https://127.0.0.1/cb/0f3a", Fault.NOT_PUBLIC),
        ("https://192.168.88.10/cb/0f3a", Fault.NOT_PUBLIC),
        ("https://localhost/cb/0f3a", Fault.NOT_PUBLIC),
        ("https://shop.local/cb/0f3a", Fault.NOT_PUBLIC),
        ("https://abc.ngrok.app/cb/0f3a", Fault.PUBLIC_TESTER),
        ("https://wifi.example.co.ke/cb/0f3a?x=1", Fault.FORM),
        ("https://wifi.example.co.ke:port/cb", Fault.FORM),
        ("https://wifi.example.co.ke", Fault.FORM),
        ("https:///cb", Fault.FORM),
        ("ftp://wifi.example.co.ke/cb", Fault.FORM),
        ("https://[::1/cb", Fault.FORM),
        (f"https://wifi.example.co.ke/{'a' * 300}", Fault.FORM),
    ],
)
def test_each_rule_is_told(url: str, fault: Fault):
    assert fault in faults(url)


@pytest.mark.parametrize("word", ["M-PESA", "mpesa", "Safaricom", "exe", "exec", "CMD", "sql", "Query"])
def test_a_banned_word_is_found_in_host_and_path_in_any_case(word: str):
    assert Fault.BANNED_WORD in faults(f"https://{word}.example.co.ke/cb/0f3a")
    assert Fault.BANNED_WORD in faults(f"https://wifi.example.co.ke/{word}/0f3a")


def test_the_sandbox_takes_http_and_the_simulator_this_machine():
    assert faults("http://wifi.example.co.ke/cb/0f3a", "sandbox") == []
    assert faults("http://127.0.0.1:8000/cb/0f3a", "sandbox") == [Fault.NOT_PUBLIC]
    assert faults("http://127.0.0.1:8000/cb/0f3a", "loopback") == []
