"""What a public URL is: every spelling of a place that Twilio cannot reach, and none of those that it can."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.public_url import as_uri, not_public


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com/a.jpg",
        "HTTPS://EXAMPLE.COM/a.jpg",
        "http://example.com/a.jpg",
        "https://example.com./a.jpg",
        "https://example.com:8443/a.jpg?x=1,2&y=%20#top",
        "https://r3---sn-4g5e.googlevideo.com/v",
        "https://1.2.3.example.com/",
        "https://example.com/añо.jpg",
        "https://bücher.example.com/x",
        "https://xn--bcher-kva.example.com/x",
        "https://例え.jp/絵.png",
        "https://8.8.8.8/a.jpg",
        "https://[2606:4700:4700::1111]/a.jpg",
        "https://[::ffff:8.8.8.8]/a.jpg",
        "https://localhost.example.com/",
        "https://internal.example.com/",
        "https://example.com/a_b.jpg",
        "https://example.com/👩‍👩‍👧.jpg",
        "https://cdn.acme.example/1.jpg",
        "https://mail.home.pl/",
    ],
)
def test_what_a_stranger_can_ask_for_is_public(url: str) -> None:
    assert not_public(url) is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "https://"),
        ("https://", "no host"),
        ("https:///a.jpg", "no host"),
        ("https:example.com", "no host"),
        ("https://:443/", "no host"),
        ("https://?x=1", "no host"),
        ("example.com/a.jpg", "https://"),
        ("//example.com/a.jpg", "https://"),
        ("htttps://example.com/a.jpg", "https://"),
        ("ftp://example.com/a.jpg", "https://"),
        ("javascript:alert(1)", "https://"),
        ("https://https://example.com/a.jpg", "without a domain"),
        ("https:// example.com/a.jpg", "blank"),
        (" https://example.com/a.jpg", "blank"),
        ("https://example.com/a.jpg ", "blank"),
        ("https://example.com/my photo.jpg", "blank"),
        ("https://example.com/my\u00a0photo.jpg", "blank"),
        ("https://example.com/my\u3000photo.jpg", "blank"),
        ("https://example.com/a.jpg\n", "blank"),
        ("https://example.com/a\t.jpg", "blank"),
        ("https://exa\x00mple.com/", "control"),
        ("https://example.com/\x7f", "control"),
        ("https://example.com/\ud83d", "half a character"),
        ("https://example.com:99999/a.jpg", "cannot be read"),
        ("https://example.com:-1/a.jpg", "cannot be read"),
        ("https://example.com:http/a.jpg", "cannot be read"),
        ("https://example.com:0/a.jpg", "port 0"),
        ("https://[::1/a.jpg", "cannot be read"),
        ("https://[v1.x]/a.jpg", "cannot"),
        ("https://my_hooks.example.com", "underscore"),
        ("https://localhost/a.jpg", "private network"),
        ("https://LOCALHOST/a.jpg", "private network"),
        ("https://localhost./a.jpg", "private network"),
        ("https://api.localhost/", "private network"),
        ("http://ingress.internal:8080", "private network"),
        ("https://printer.local", "private network"),
        ("https://svc.ns.svc.cluster.local/", "private network"),
        ("https://router.home.arpa/", "private network"),
        ("https://ingress:8080", "without a domain"),
        ("https://example", "without a domain"),
        ("https://-a.example.com", "cannot exist"),
        ("https://a..example.com", "cannot exist"),
        ("https://.example.com", "cannot exist"),
        ("https://example.com../", "cannot exist"),
        ("https://" + "a" * 64 + ".com", "cannot exist"),
        ("https://" + "a." * 126 + "com", "cannot exist"),
        ("https://exa%6dple.com", "cannot exist"),
        ("https://example.com\\@127.0.0.1/", "private address"),
        ("https://example.com@127.0.0.1/", "private address"),
        ("https://xn--a.ü\u0301\u0301-.com", "cannot exist"),
        ("https://127.0.0.1/", "private address"),
        ("https://127.1/", "private address"),
        ("https://127.0.0.1./", "private address"),
        ("https://0x7f000001/", "private address"),
        ("https://0X7F.1/", "private address"),
        ("https://2130706433/", "private address"),
        ("https://0177.0.0.1/", "private address"),
        ("https://0/", "private address"),
        ("https://１２７.0.0.1/", "private address"),
        ("https://127。0。0。1/", "private address"),
        ("https://10.0.0.1/", "private address"),
        ("https://172.16.3.4/", "private address"),
        ("https://192.168.1.1:8080/", "private address"),
        ("https://169.254.169.254/latest", "private address"),
        ("https://100.64.0.1/", "private address"),
        ("https://224.0.0.1/", "private address"),
        ("https://255.255.255.255/", "private address"),
        ("https://0x08080808/", "unusual"),
        ("https://8.8.2056/", "unusual"),
        ("https://256.1.1.1/", "cannot exist"),
        ("https://1.2.3.4.5/", "cannot exist"),
        ("https://1.2.3.99999/", "cannot exist"),
        ("https://example.com.08/", "cannot exist"),
        ("https://[::1]/", "private address"),
        ("https://[::]/", "private address"),
        ("https://[::ffff:10.0.0.1]/", "private address"),
        ("https://[::ffff:7f00:1]/", "private address"),
        ("https://[::127.0.0.1]/", "private address"),
        ("https://[64:ff9b::10.0.0.1]/", "private address"),
        ("https://[2002:7f00:1::]/", "private address"),
        ("https://[fe80::1]/", "private address"),
        ("https://[fe80::1%25eth0]/", "private address"),
        ("https://[fd00::1]/", "private address"),
        ("https://[ff02::1]/", "private address"),
        # Python takes these for public ones: metadata of Oracle's and Azure's clouds, translations by a network's own
        # means, addresses of a site and of documents.
        ("https://192.0.0.192/", "private address"),
        ("https://168.63.129.16/", "private address"),
        ("https://192.88.99.1/", "private address"),
        ("https://[64:ff9b:1::10.0.0.1]/", "private address"),
        ("https://[::ffff:0:127.0.0.1]/", "private address"),
        ("https://[fec0::1]/", "private address"),
        ("https://[3fff::1]/", "private address"),
        ("https://[5f00::1]/", "private address"),
    ],
)  # fmt: skip
def test_what_no_stranger_can_ask_for_says_why(url: str, words: str) -> None:
    fault = not_public(url)
    assert fault is not None
    assert words in fault


@pytest.mark.parametrize(
    ("url", "uri"),
    [
        ("https://example.com/a%20b.jpg?x=ü#é", "https://example.com/a%20b.jpg?x=%C3%BC#%C3%A9"),
        ("https://example.com/año.jpg", "https://example.com/a%C3%B1o.jpg"),
        ("https://Bücher.example.com:8443/x", "https://xn--bcher-kva.example.com:8443/x"),
        ("https://straße.example.com/", "https://xn--strae-oqa.example.com/"),
        ("https://example.com", "https://example.com"),
        ("https://example.com/a,b", "https://example.com/a,b"),
        ("https://bücher.example.com", "https://xn--bcher-kva.example.com"),
        ("https://例え.jp?絵", "https://xn--r8jz45g.jp?%E7%B5%B5"),
        ("https://[2606:4700:4700::1111]:8443/絵", "https://[2606:4700:4700::1111]:8443/%E7%B5%B5"),
        ("https://8.8.8.8/絵", "https://8.8.8.8/%E7%B5%B5"),
        ("HTTPS://Example.com/絵", "https://example.com/%E7%B5%B5"),
    ],
)
def test_what_is_sent_is_ascii(url: str, uri: str) -> None:
    assert as_uri(url) == uri


@given(
    st.text(max_size=30) | st.text(max_size=30).map("https://{}".format) | st.text().map("https://a.example/{}".format)
)
def test_whatever_text_is_judged(url: str) -> None:
    fault = not_public(url)
    if fault is None:
        assert urlsplit(as_uri(url)).hostname
        assert as_uri(url).isascii()
        assert not_public(as_uri(url)) is None
        assert as_uri(as_uri(url)) == as_uri(url)
