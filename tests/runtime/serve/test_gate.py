"""Who may see the page, and by which names."""

from __future__ import annotations

import asyncio

import pytest

from focus.runtime.serve import Address, address_from_text
from focus.runtime.serve._address import token_for
from focus.runtime.serve._gate import Gate

TOKEN = "correct-horse-battery"
LOOPBACK, EVERYWHERE = Address("127.0.0.1", 8765), Address("0.0.0.0", 8765)


async def inside(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the page"})


def ask(address=EVERYWHERE, token=TOKEN, host="192.0.2.7:8765", path="/", query="", **headers):
    """Status and headers of the answer."""
    sent = {"host": host, **headers}
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        "scheme": "http",
        "server": ("192.0.2.7", 8765),
    }
    messages = []

    async def send(message):
        messages.append(message)

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    asyncio.run(Gate(inside, address, token)(scope, receive, send))
    start = messages[0]
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:8765", "127.0.0.1", 8765, True),
        ("localhost", "localhost", 8765, True),
        (":9000", "127.0.0.1", 9000, True),
        ("[::1]:80", "::1", 80, True),
        ("[::1]", "::1", 8765, True),
        ("0.0.0.0:0", "0.0.0.0", 0, False),
        ("rig.example:8765", "rig.example", 8765, False),
    ],
)
def test_addresses(text, host, port, loopback):
    address = address_from_text(text)
    assert (address.host, address.port, address.loopback) == (host, port, loopback)
    assert address_from_text(str(address)) == address


@pytest.mark.parametrize("text", ["127.0.0.1:http", "127.0.0.1:70000", "::1:80", "a:-1"])
def test_addresses_that_are_none(text):
    with pytest.raises(ValueError, match=r"--serve .*e\.g\."):
        address_from_text(text)


def test_an_address_for_all_names_the_machine():
    assert "0.0.0.0" not in EVERYWHERE.url and EVERYWHERE.url.endswith(":8765/")


def test_only_this_machine_needs_no_token():
    assert token_for(LOOPBACK, None) is None
    made = {token_for(EVERYWHERE, None) for _ in range(20)}
    assert len(made) == 20 and all(len(token) >= 20 for token in made)
    assert token_for(EVERYWHERE, TOKEN) == token_for(LOOPBACK, TOKEN) == TOKEN


@pytest.mark.parametrize("token", ["short", "with spaces in it", "with;semicolon;in;it", "ümläute-sind-keine"])
def test_tokens_that_are_refused(token):
    with pytest.raises(ValueError, match="12 or more letters"):
        token_for(EVERYWHERE, token)


def test_without_a_token_nobody_comes_in():
    assert ask()[0] == 401
    assert ask(query="token=wrong-wrong-wrong")[0] == 401
    assert ask(authorization="Bearer wrong-wrong-wrong")[0] == 401
    assert ask(authorization=f"Basic {TOKEN}")[0] == 401
    assert ask(cookie="focus_token_8765=wrong-wrong-wrong")[0] == 401


def test_the_token_becomes_a_cookie_and_leaves_the_address():
    status, headers = ask(path="/place/page", query=f"token={TOKEN}&x=1")
    assert status == 303 and headers["location"] == "./page"
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie and "samesite=strict" in cookie.lower()
    assert ask(cookie=cookie.partition(";")[0])[0] == 200
    # A second camera of the same machine has a cookie of its own.
    assert ask(cookie=cookie.partition(";")[0], host="192.0.2.7:8766")[0] == 401


def test_prometheus_brings_the_token_in_a_header():
    assert ask(path="/metrics", authorization=f"Bearer {TOKEN}")[0] == 200


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "[::1]:8765", "127.0.0.1"])
def test_loopback_by_its_names(host):
    assert ask(LOOPBACK, None, host)[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example:8765", "192.0.2.7:8765", "localhost.evil.example", "", "[::1", "127.0.0.1:x"]
)
def test_loopback_by_another_name_is_refused(host):
    assert ask(LOOPBACK, None, host)[0] == 403
    assert ask(LOOPBACK, TOKEN, host, query=f"token={TOKEN}")[0] == 403


def test_a_foreign_name_is_refused_even_with_the_token():
    assert ask(host="evil.example:8765", query=f"token={TOKEN}")[0] == 403
    assert ask(Address("rig.example", 8765), host="RIG.example:8765", query=f"token={TOKEN}")[0] == 303


@pytest.mark.parametrize("options", [{}, {"authorization": f"Bearer {TOKEN}"}, {"host": "evil.example"}])
def test_every_answer_carries_the_headers(options):
    headers = ask(**options)[1]
    assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
