"""The stub internet behind a simulated hotspot: every host name exists and answers a plain page. Nothing is dialled.

It also answers the probes by which phones find out whether they are captive, so a phone behind it turns "online".
"""

import asyncio
import html

from routeros.simulator.exchange import Reply, Request, plain_reply

_HELLO_SECONDS = 600.0
_TEXT = (("Content-Type", "text/plain"),)
_PAGE = (("Content-Type", "text/html"),)
_APPLE = Reply(200, "OK", _PAGE, b"<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>")
_ANDROID = Reply(204, "No Content", (), b"")
_PROBES = {
    "/generate_204": _ANDROID,
    "/gen_204": _ANDROID,
    "/hotspot-detect.html": _APPLE,
    "/library/test/success.html": _APPLE,
    "/connecttest.txt": Reply(200, "OK", _TEXT, b"Microsoft Connect Test"),
    "/ncsi.txt": Reply(200, "OK", _TEXT, b"Microsoft NCSI"),
    "/success.txt": Reply(200, "OK", _TEXT, b"success\n"),
    "/canonical.html": Reply(
        200, "OK", _PAGE, b'<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>'
    ),
}


class StubInternet:
    """All hosts of the world. Sources of the probe answers: the operating systems' documented connectivity checks
    (Android /generate_204, iOS and macOS /hotspot-detect.html, Windows /connecttest.txt, Firefox /canonical.html and
    /success.txt)."""

    def reply(self, request: Request) -> Reply:
        """Answer a request for any host. Never raises."""
        if request.path in _PROBES:
            return _PROBES[request.path]
        return plain_reply(200, "OK", f"You are on the internet: {html.escape(request.host)}")

    async def tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take what was CONNECTed to: there is no TLS here, so the first bytes end it with a clean close."""
        async with asyncio.timeout(_HELLO_SECONDS):
            await reader.read(1)
        if writer.can_write_eof():
            writer.write_eof()
