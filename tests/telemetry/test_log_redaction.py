"""No credential and no payload reaches a log, wherever it was put."""

import io
import json
import logging
import string
from urllib.parse import quote

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from controller.telemetry.logging import LogForm, bound, configure_logging
from controller.telemetry.redaction import REDACTED, redact, redact_text

BASE64 = string.ascii_letters + string.digits + "/+"

key_ids = st.builds(
    "{}{}".format,
    st.sampled_from(["AKIA", "ASIA"]),
    st.text(string.ascii_uppercase + "234567", min_size=16, max_size=16),
)
# with both cases: forty random characters without one of them do not happen
secret_keys = st.text(BASE64, min_size=38, max_size=38).map(lambda text: f"a{text}Z")
session_tokens = st.text(BASE64, min_size=100, max_size=400).map(lambda text: f"IQoJb3{text}==")
signatures = st.text(string.hexdigits.lower(), min_size=64, max_size=64)
around = st.sampled_from(["", " ", '"', "'", ": ", ", ", "(", ")", "\n", "[", "é", "\\n"])

BARE = ["{}", "the key {} is wrong", "({})", "a,{},b", "'{}'"]
NAMED = [
    "aws_secret_access_key = {}",
    "AWS_SESSION_TOKEN={}",
    '{{"SecretAccessKey": "{}"}}',
    '{{\\"SessionToken\\": \\"{}\\"}}',
    "<SecretAccessKey>{}</SecretAccessKey>",
    "x-amz-security-token: {}",
    "password={}",
    "Authorization: Bearer {}",
    "{{'Authorization': 'AWS4-HMAC-SHA256 Credential={}, SignedHeaders=host, Signature=0'}}",
]


def leaks(secret: str, text: str) -> bool:
    """Whether a telling part of the secret is left."""
    return any(secret[at : at + 16] in text for at in range(len(secret) - 15))


@given(st.one_of(key_ids, secret_keys, session_tokens), st.sampled_from(BARE), around, around)
def test_a_credential_in_running_text(secret: str, form: str, before: str, after: str) -> None:
    assert not leaks(secret, redact_text(form.format(before + secret + after)))


@given(st.one_of(key_ids, secret_keys, session_tokens, signatures), st.sampled_from(NAMED))
def test_a_credential_with_its_name(secret: str, form: str) -> None:
    assert not leaks(secret, redact_text(f"before {form.format(secret)} after"))


@given(key_ids, signatures, session_tokens)
def test_a_presigned_url(key_id: str, signature: str, token: str) -> None:
    url = (
        "https://bucket.s3.amazonaws.com/a?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        f"&X-Amz-Credential={key_id}%2F20261120%2Feu-west-1&X-Amz-Date=20261120T000000Z"
        f"&X-Amz-Security-Token={quote(token, safe='')}&X-Amz-Signature={signature}&x-id=GetObject"
    )
    text = redact_text(url)
    assert not leaks(signature, text)
    assert not leaks(quote(token, safe=""), text)
    assert key_id not in text
    assert text.startswith("https://bucket.s3.amazonaws.com/a?X-Amz-Algorithm=AWS4-HMAC-SHA256&")
    assert text.endswith("&x-id=GetObject")


def _nested(secret: str) -> list[object]:
    class Shown:
        def __str__(self) -> str:
            return f"<{secret}>"

    return [
        {"a": [{"b": (f"x {secret}",)}]},
        {secret: 1},
        {f"k {secret}": {secret}},
        Shown(),
        ValueError(f"bad {secret}"),
        secret.encode(),
        [[[[[[[[[[[[secret]]]]]]]]]]]],
    ]


@given(st.one_of(key_ids, secret_keys, session_tokens), st.integers(0, 6))
def test_a_credential_at_any_depth_of_a_field(secret: str, which: int) -> None:
    assert not leaks(secret, json.dumps(redact(_nested(secret)[which])))


@given(
    st.sampled_from(
        ["payload", "Body", "request_body", "Authorization", "X-Amz-Security-Token", "cookie",
         "secretAccessKey", "db_password", "credentials", "sessionToken", "api-key", "signature"]
    ),
    st.one_of(st.text(min_size=1), st.integers(), st.dictionaries(st.text(), st.text())),
)  # fmt: skip
def test_a_field_named_as_a_secret_loses_its_value(name: str, value: object) -> None:
    assert redact({"outer": {name: value}}) == {"outer": {name: REDACTED}}


@pytest.mark.parametrize(
    "text",
    [
        "change: lambda eu-west-1/ocr 3008 -> 2048 MB, p95 212 -> 231 ms (slo 400)",
        "lambda_function/123456789012/eu-west-1/ocr:live",
        "arn:aws:lambda:eu-west-1:123456789012:function:document-ocr-production:live",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "/var/lib/rightsizer/journal.db",
        "policies/team-a/production/document-processing.yaml:12:5: unknown field",
        "expired token: log in again",
        "",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact_text(text) == text
    assert redact({"n": 1.5, "ok": True, "none": None, "text": text}) == {
        "n": 1.5,
        "ok": True,
        "none": None,
        "text": text,
    }


def test_a_value_that_cannot_be_shown_does_not_break_the_log() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    assert redact([Broken()]) == ["[unprintable Broken]"]
    assert redact([float("nan"), float("inf")]) == ["nan", "inf"]
    assert redact(b"abc") == "[3 bytes]"


def test_long_text_is_cut_after_it_was_cleaned() -> None:
    cleaned = redact_text("x" * 16_370 + " AKIAABCDEFGHIJKLMNOP " + "y" * 50)
    assert "AKIA" not in cleaned
    assert len(cleaned) < 16_450
    assert "characters more" in cleaned


@given(st.one_of(key_ids, secret_keys, session_tokens))
def test_no_way_into_the_log_leaks(secret: str) -> None:
    for form in (LogForm.JSON, LogForm.CONSOLE):
        out = io.StringIO()
        configure_logging(now_s=lambda: 0.0, form=form, stream=out)
        log = structlog.get_logger()
        with bound(endpoint=f"e {secret}"):
            log.info(f"event {secret}", field=secret, nested={"x": [secret]}, payload="p")
            logging.getLogger("botocore.auth").warning("signed with %s", secret)
            try:
                raise ValueError(f"rejected {secret}")
            except ValueError:
                log.exception("failed")
                logging.getLogger("urllib3").exception("failed")
        assert not leaks(secret, out.getvalue())
        assert out.getvalue().count("failed") >= 2
