"""A secret is found in every form in which suites, browsers and reports write it."""

import base64
import html
import json
from urllib.parse import quote, quote_plus, urlencode

import pytest

from bellrock.runner.scrub import MASK, Scrubber

SECRET = "p@ss/w&rd<ü>?+x1"
KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nAQEFAASCBKcwggSjAgEAAo\n-----END KEY-----"


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        json.dumps({"password": SECRET}),
        json.dumps({"password": SECRET}, ensure_ascii=False),
        f"<input value='{html.escape(SECRET)}'>",
        f"https://shop.test/?q={quote(SECRET, safe='')}",
        f"https://shop.test/?q={quote(SECRET, safe='').lower()}",
        urlencode({"password": SECRET, "user": "ana"}),
        f"q={quote_plus('two words ' + SECRET)}",
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
        "Authorization: Basic " + base64.b64encode(f"ana:{SECRET}".encode()).decode(),
        "Authorization: Basic " + base64.b64encode(f"anna:{SECRET}".encode()).decode(),
        "Authorization: Basic " + base64.b64encode(f"hanna:{SECRET}".encode()).decode(),
        base64.b64encode(json.dumps({"p": SECRET, "q": 1}, ensure_ascii=False).encode()).decode(),
    ],
)
def test_a_secret_is_found_in_whatever_form_it_is_written(written: str) -> None:
    scrubber = Scrubber([SECRET])
    assert MASK in scrubber.text(written)
    assert MASK.encode() in scrubber.data(written.encode())
    assert SECRET not in scrubber.text(written)


@pytest.mark.parametrize("user", ["a", "an", "ana", "anna"])
def test_what_is_left_of_an_encoded_secret_gives_it_not_away(user: str) -> None:
    header = base64.b64encode(f"{user}:{SECRET}".encode()).decode()
    left = Scrubber([SECRET]).text(header).replace(MASK, "")
    assert len(left) < len(header) - len(base64.b64encode(SECRET.encode())) + 6


def test_a_key_of_many_lines_is_found_line_by_line() -> None:
    scrubber = Scrubber([KEY])
    for line in KEY.splitlines()[1:3]:
        assert scrubber.text(f"line: {line}") == f"line: {MASK}"
    assert scrubber.text(KEY) == MASK


def test_the_longest_of_two_secrets_is_replaced_as_a_whole() -> None:
    assert Scrubber(["abc", "abcdef"]).text("abcdef abc") == f"{MASK} {MASK}"


@pytest.mark.parametrize("harmless", ["ab", "123", "https://", "/artifact/"])
def test_texts_that_every_report_is_full_of_stand(harmless: str) -> None:
    scrubber = Scrubber([harmless])
    assert not scrubber.has_secrets
    assert scrubber.text(f"see {harmless}x") == f"see {harmless}x"


def test_text_without_secrets_is_left_alone() -> None:
    assert Scrubber([SECRET]).text("nothing to see here") == "nothing to see here"
