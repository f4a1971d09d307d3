"""The hotspot's pages as text: login.html leads to the portal and holds the offline copy; the others are its frame.

Source: MikroTik manual, HotSpot customisation. The servlet escapes nothing: only `-esc` variables are printed, and a
`$` in anybody's name is written as an entity, or the servlet would read it as a variable.
"""

from html import escape
from typing import Final

from routeros.script.values import MOST_CONTENTS, Family, Onboarding

_QUERY: Final = (
    "mac=$(mac-esc)&amp;ip=$(ip-esc)&amp;link-login-only=$(link-login-only-esc)"
    "&amp;link-orig=$(link-orig-esc)$(if error)&amp;error=$(error-esc)$(endif)"
)
_HEAD: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
)
_STYLE: Final = (
    "<style>body{margin:0;padding:32px 16px;background:#f5f7f6;color:#14201b;font:16px/1.5 sans-serif;"
    "text-align:center}a{color:#0b6b4f;font-weight:600}</style>"
)
# `fetch` without CORS succeeds with any answer at all, so it tells a portal that is away from one that is there.
# Browsers without it go straight on, as do those without JavaScript.
_SCRIPT: Final = (
    "<script>var g=document.getElementById('go').href,o=document.getElementById('off').style,"
    "w=document.getElementById('wait').style;"
    "function on(){location.replace(g)}function off(){w.display='none';o.display='block'}"
    "if(window.fetch&&window.Promise){var t=setTimeout(off,9000);"
    "fetch('PORTAL/healthz',{mode:'no-cors',cache:'no-store'}).then(function(){clearTimeout(t);on()},"
    "function(){clearTimeout(t);off()})}else on()</script>"
)


def captive_link(onboarding: Onboarding) -> str:
    """The captive page's address with the servlet's variables, as it stands in an attribute."""
    return f"{onboarding.portal_url}/c/{onboarding.site}?{_QUERY}"


def login_page(onboarding: Onboarding) -> str:
    """login.html: goes to the captive page; while the portal does not answer it is the offline copy itself.

    Raises ValueError when names and addresses make it longer than version 6 can write into a file.
    """
    link = captive_link(onboarding)
    page = (
        f'{_HEAD}<noscript><meta http-equiv="refresh" content="0; url={link}"></noscript>'
        f"<title>Wi-Fi</title>{_STYLE}</head><body>"
        '<div id="wait"><p>One moment, the Wi-Fi page opens. / Subiri kidogo.</p>'
        f'<p><a id="go" href="{link}">Open it now / Fungua sasa</a></p></div>'
        f'<div id="off" style="display:none">{_AWAY}'
        '<p><a href="$(link-login-only)">Try again / Jaribu tena</a></p></div>'
        f"{_help(onboarding)}{_SCRIPT.replace('PORTAL', onboarding.portal_url)}</body></html>"
    )
    if len(page.encode()) > MOST_CONTENTS:
        raise ValueError("the names and addresses are too long for a login page")
    return page


def offline_page(onboarding: Onboarding) -> str:
    """error.html: what the router itself could not do, in the words of the offline copy."""
    return (
        f"{_HEAD}<title>Wi-Fi</title>{_STYLE}</head><body>{_AWAY}"
        f'<p><a href="/login">Try again / Jaribu tena</a></p>{_help(onboarding)}</body></html>'
    )


def welcome_page(_onboarding: Onboarding) -> str:
    """alogin.html: on to where the phone wanted to go, by a full page load and without opening windows."""
    return (
        '$(if http-status == 302)Logged in$(endif)$(if http-header == "Location")$(link-redirect)$(endif)'
        f'{_HEAD}<meta http-equiv="refresh" content="0; url=$(link-redirect)"><title>Online</title></head>'
        '<body><p><a href="$(link-redirect)">You are online / Uko mtandaoni</a></p></body></html>'
    )


def captive_api(onboarding: Onboarding) -> str:
    """api.json: what the servlet answers at /api to phones that ask whether they are online (RFC 8908).

    The page to open is https, as the RFC wants it: the router's own while the phone is captive, so that the offline copy
    stays on its way, and ours afterwards, where more time is sold.
    """
    own = "https://$(hostname)/$(target-dir)"
    ours = f"{own}status"
    if onboarding.portal_url.startswith("https://"):
        ours = captive_link(onboarding).partition("&amp;link-orig")[0].replace("&amp;", "&")
    return (
        "{\"captive\":$(if logged-in == 'yes')false$(else)true$(endif),"
        f'"user-portal-url":"$(if logged-in == \'yes\'){ours}$(else){own}login$(endif)"'
        '$(if session-timeout-secs != 0),"seconds-remaining":$(session-timeout-secs)$(endif)'
        '$(if remain-bytes-total),"bytes-remaining":$(remain-bytes-total)$(endif),"can-extend-session":true}'
    )


_PAGES: Final = {"login.html": login_page, "error.html": offline_page, "alogin.html": welcome_page}


def pages_of(onboarding: Onboarding) -> dict[str, str]:
    """Our pages by file name. The other pages of the servlet stay RouterOS's own; version 6 knows no api.json."""
    later = {} if onboarding.family is Family.SIX else {"api.json": captive_api}
    return {name: write(onboarding) for name, write in (_PAGES | later).items()}


_AWAY: Final = (
    "<h1>The Wi-Fi shop does not answer</h1><p>What you paid for is kept."
    "<br>Duka la Wi-Fi halijibu. Ulicholipia hakipotei.</p>"
)


def _help(onboarding: Onboarding) -> str:
    number = "".join(digit for digit in onboarding.help_phone if digit in "+0123456789")
    who, phone = _text(onboarding.merchant_name), _text(onboarding.help_phone)
    return f'<p>{who}<br>Help / Msaada: <a href="tel:{number}">{phone}</a></p>'


def _text(text: str) -> str:
    return escape(text).replace("$", "&#36;")
