"""The page as a user gets it: a daemon in front of a sandbox, behind a token and TLS."""

import json
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from processes import Process, address, environment

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

POLICY = """\
apiVersion: rightsizer.dev/v1alpha1
kind: RightsizingPolicy
metadata:
  name: all
spec:
  mode: Recommend
  target: {kind: lambda_function, selector: {namePattern: "*"}, region: eu-west-1}
  slo: {latency: {percentile: p95, threshold: 400ms}}
"""
ACCOUNT = {
    "functions": [
        {
            "name": "ocr",
            "memory_mb": 3008,
            "age_days": 3,
            "workload": {
                "traffic": {"rps": 5.0},
                "curve": {"a_ms": 20.0, "b": 80_000.0, "p": 1.0, "saturation_mb": 1769},
                "memory_mb": 110,
            },
        }
    ]
}
TOKEN = "a-token-of-some-length"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate with")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    wanted = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(cert)]
    subprocess.run([openssl, *wanted, *names, *files], check=True, capture_output=True)
    return cert, key


def test_it_is_served_with_a_token_over_tls(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    account, policies, token = (tmp_path / n for n in ("account.json", "policy.yaml", "token"))
    account.write_text(json.dumps(ACCOUNT), encoding="utf-8")
    policies.write_text(POLICY, encoding="utf-8")
    token.write_text(TOKEN + "\n", encoding="utf-8")
    cert, key = certificate
    context = ssl.create_default_context(cafile=str(cert))

    def get(path: str, *, given: str | None = TOKEN) -> tuple[int, str]:
        request = urllib.request.Request(url + path)
        if given is not None:
            request.add_header("Authorization", f"Bearer {given}")
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    with Process("sandbox", "serve", "--port", "0", "--account-file", str(account)) as sandbox:
        env = environment(address(sandbox), tmp_path / "journal.db")
        env |= {"RIGHTSIZER_TOKEN_FILE": str(token), "RIGHTSIZER_TLS_CERT": str(cert)}
        listening = ("--listen", "127.0.0.1:0", "--tls-key", str(key))
        with Process("run", "--policies", str(policies), *listening, env=env) as daemon:
            url = address(daemon, "https://127.0.0.1:")
            daemon.wait_for(lambda line: "ModeRecommend" in line, "recommendation")
            assert get("/healthz", given=None)[0] == 200
            assert get("/metrics", given=None)[0] == 200
            assert get("/", given=None)[0] == 401
            assert get("/api/v1/endpoints", given="wrong")[0] == 401
            status, page = get("/")
            assert (status, "<title>Rightsizer</title>" in page) == (200, True)
            (row,) = json.loads(get("/api/v1/endpoints")[1])["items"]
            assert (row["name"], row["state"]) == ("ocr", "ChangeWanted")
            said = json.loads(get(f"/api/v1/endpoints/{row['key']}")[1])
            assert said["resolvedPolicy"]["name"] == "all"
            assert daemon.end() == 0
    assert not any(TOKEN in line for line in daemon.lines)
    assert not any("Traceback" in line for line in daemon.lines)
