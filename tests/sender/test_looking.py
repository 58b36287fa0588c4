"""A look at a medium's URL, over TLS at a real host: what counts as found, and where one never goes."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from services.domain.media import Found
from services.runtime.strangers import Strangers, Where
from services.sender.looking import Looking
from tests.corporate_proxy import proxying
from tests.media_host import NAME, PHOTO, Certificate, MediaHost, certificate, dns, dripping, here, serving


@pytest.fixture(scope="module")
def by(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("media"))


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def host(by: Certificate) -> AsyncIterator[MediaHost]:
    async with serving(by) as found:
        yield found


async def looked(by: Certificate, url: str, where: Where | None = None, longest_s: float = 5.0) -> Found:
    looking = Looking(longest_s, Strangers(longest_s, where or here(), by.believed()))
    try:
        return await looking.look(url)
    finally:
        await looking.close()


GOOD = Found("image/jpeg", len(PHOTO))


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/photo.jpg", GOOD),
        ("/photo.jpg?X-Amz-Signature=s%2Fe", GOOD),
        # A URL that is signed for GET alone; and one that HEAD tells more of than is so.
        ("/get-alone.jpg", GOOD),
        ("/head-alone.jpg", Found(fault="answers 403")),
        # Where a GET says no size, HEAD does.
        ("/chunked.jpg", GOOD),
        ("/big.jpg", Found("image/jpeg", 6 << 20)),
        ("/untyped", Found(None, len(PHOTO))),
        ("/octets.jpg", Found("application/octet-stream", len(PHOTO))),
        ("/page.jpg", Found("text/html", 21)),
        ("/missing.jpg", Found(fault="answers 404")),
        ("/round", Found(fault="redirects more than 5 times")),
    ],
)
async def test_what_is_found(by: Certificate, host: MediaHost, path: str, found: Found) -> None:
    assert await looked(by, host.url(path)) == found


async def test_no_credential_and_no_cookie_is_sent(by: Certificate, host: MediaHost) -> None:
    await looked(by, host.url(f"/to?url=https://other.example.com:{host.port}/photo.jpg"))
    sent = {name for headers in host.headers for name in headers}
    assert not sent & {"Authorization", "Cookie"}


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/failing.jpg", "answers 503"),
        ("/held.jpg", "does not answer in time"),
    ],
)
async def test_what_may_pass_is_looked_at_again(by: Certificate, host: MediaHost, path: str, fault: str) -> None:
    found = await looked(by, host.url(path), longest_s=0.3)
    assert found.fault == fault
    assert found.again_at is not None


async def test_a_host_that_drips_bytes_is_left_after_its_time(by: Certificate) -> None:
    async with dripping(by) as port:
        began = time.monotonic()
        found = await looked(by, f"https://{NAME}:{port}/photo.jpg", longest_s=0.5)
    assert found.fault == "does not answer in time"
    assert time.monotonic() - began < 3


async def test_a_certificate_that_nobody_believes(by: Certificate, host: MediaHost) -> None:
    looking = Looking(5.0, Strangers(5.0, here()))
    found = await looking.look(host.url("/photo.jpg"))
    await looking.close()
    assert found.fault == "has no TLS certificate that is believed"
    assert host.asked.total() == 0


PRIVATE = "leads to a loopback or private address, which is not on the Internet"
LITERAL = "names a loopback or private address, which is not on the Internet"


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.1.2.3",
            "192.168.1.1",
            "172.16.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
        ),
        *("::1", "fd00::1", "fe80::1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a00:1", "2002:a00:1::"),
        "fd00:ec2::254",
    ],
)
async def test_a_name_that_leads_into_a_private_network_is_not_asked(
    by: Certificate, host: MediaHost, address: str
) -> None:
    found = await looked(by, host.url("/photo.jpg"), Where(lookup=dns(address)))
    assert (found.fault, found.again_at) == (PRIVATE, None)
    assert host.asked.total() == 0


async def test_one_private_address_among_public_ones_is_enough(by: Certificate, host: MediaHost) -> None:
    def both(_: str, __: int) -> list[tuple[int, str]]:
        return [(2, "93.184.216.34"), (2, "10.0.0.1")]

    assert (await looked(by, host.url("/photo.jpg"), Where(lookup=both))).fault == PRIVATE


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ("https://169.254.169.254/latest/meta-data/", LITERAL),
        ("https://[::ffff:169.254.169.254]/latest/", LITERAL),
        ("https://[::1]/", LITERAL),
        ("https://2852039166/", LITERAL),
        ("https://0xa9fea9fe/", LITERAL),
        ("https://metadata.google.internal/", "names a host of a private network, which is not on the Internet"),
        ("http://other.example.com/photo.jpg", "leads to a URL without https"),
        ("file:///etc/passwd", "leads to a URL without https"),
        ("https://[", "redirects to what is no URL"),
    ],
)
async def test_a_redirect_leads_nowhere_that_its_target_may_not(
    by: Certificate, host: MediaHost, target: str, fault: str
) -> None:
    found = await looked(by, host.url(f"/to?url={target}"))
    assert (found.fault, found.again_at) == (fault, None)


async def test_dns_that_changes_its_mind_is_asked_once_a_connection(by: Certificate, host: MediaHost) -> None:
    """Rebinding: public when it is judged, private when it is connected to. What was judged is connected to."""
    asked: list[str] = []

    def rebinding(name: str, _: int) -> list[tuple[int, str]]:
        asked.append(name)
        return [(2, "127.0.0.1" if len(asked) == 1 else "10.0.0.1")]

    where = Where(lookup=rebinding, permitted=lambda one: one == "127.0.0.1")
    assert await looked(by, host.url("/photo.jpg"), where) == GOOD
    assert asked == [NAME]
    # The next connection, such as a redirect's, is judged by what DNS says then.
    assert (await looked(by, host.url("/photo.jpg"), where)).fault == PRIVATE


async def test_a_name_that_dns_does_not_know_may_be_known_later(by: Certificate, host: MediaHost) -> None:
    def unknown(_: str, __: int) -> list[tuple[int, str]]:
        raise OSError("no such name")

    found = await looked(by, host.url("/photo.jpg"), Where(lookup=unknown))
    assert found.fault == "names a host that DNS does not know here"
    assert found.again_at is not None


async def test_a_name_that_dns_does_not_answer_takes_one_thread_and_leaves_the_others_to_others(
    by: Certificate, host: MediaHost
) -> None:
    answers = threading.Event()

    def silent(name: str, port: int) -> Sequence[tuple[int, str]]:
        if name.startswith("silent"):
            answers.wait(20)
        return here().lookup(name, port)

    looking = Looking(0.5, Strangers(0.5, here()._replace(lookup=silent), by.believed()))
    try:
        urls = [host.url(f"/{number}.jpg", "silent.example.com") for number in range(20)]
        late = await asyncio.gather(*map(looking.look, urls))
        assert {one.fault for one in late} == {"does not answer in time"}
        assert await looking.look(host.url("/photo.jpg")) == GOOD
    finally:
        answers.set()
        await looking.close()


async def test_the_corporate_proxy_is_honoured(
    by: Certificate, host: MediaHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(_: str, __: int) -> list[tuple[int, str]]:
        raise OSError("behind a proxy nobody else resolves")

    async def seen(url: str, **where: Any) -> Found:
        return await looked(by, url, Where(**where))

    async with proxying(host.port) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        assert await seen(host.url("/photo.jpg"), lookup=unknown) == GOOD
        assert proxy.asked == [f"{NAME}:{host.port}"]
        # What is private by its name, or by our own DNS, is not asked of the proxy either.
        assert (await seen("https://169.254.169.254/latest/", lookup=unknown)).fault == LITERAL
        assert (await seen(host.url("/photo.jpg"), lookup=dns("10.0.0.1"))).fault == PRIVATE
        assert len(proxy.asked) == 1
