"""`init`, `doctor`, `sandbox serve`; and every command where AWS is out of reach or refuses."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_shell import ACCOUNT, Account, MakeAccount, Shell, function, policy

from controller.cli.exits import ExitCode
from controller.policy import load
from controller.sandbox.client import SandboxClient
from controller.sandbox.demo_account import demo_document

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def account(make_account: MakeAccount) -> Account:
    """One function with one alias, one with two, one with none."""
    return make_account(
        function("ocr", 3008, tags={"team": "docs"}),
        function("thumbs", 512, versions=2, aliases={"live": 2, "beta": 1}),
        function("plain", 1024, alias=None),
        function("idle", 256, alias=None, workload={"traffic": {"rps": 0.0}}),
    )


# --- init ---


def test_a_starter_policy_is_valid_and_names_the_only_alias(
    account: Account, tmp_path: Path
) -> None:
    result = account.shell("init", "lambda", "ocr", "--region", "eu-west-1")
    assert result.code == 0, result.err
    assert "#   alias: live, the only one" in result.out
    assert "1.5 times the p95 observed" in result.out
    path = tmp_path / "ocr.yaml"
    path.write_text(result.out, "utf-8")
    (made,) = load([path]).policies
    assert made.target.name == "ocr"
    assert made.target.qualifier == "live"
    assert made.target.scope.account == ACCOUNT
    assert made.mode.value == "Recommend"
    planned = account.shell("plan", "--policies", path, "-o", "json")
    assert planned.document["items"][0]["slo"]["attainment"] == "Met"


@pytest.mark.parametrize(
    ("name", "options", "qualifier", "says"),
    [
        ("thumbs", [], "$LATEST", "aliases: beta, live; set the qualifier"),
        ("thumbs", ["--qualifier", "beta"], "beta", "Observed"),
        ("plain", [], "$LATEST", "p95: "),
        ("idle", [], "$LATEST", "requests: none in 14 days"),
    ],
)
def test_what_a_starter_policy_says_of_others(
    account: Account, tmp_path: Path, name: str, options: list[str], qualifier: str, says: str
) -> None:
    variables = {"AWS_REGION": "eu-west-1"}
    result = account.shell("init", "lambda", name, *options, env=variables)
    assert result.code == 0, result.err
    assert says in result.out
    path = tmp_path / "p.yaml"
    path.write_text(result.out, "utf-8")
    assert load([path]).policies[0].target.qualifier == qualifier


def test_init_without_the_right_to_list_aliases(account: Account) -> None:
    account.control.add_fault("denied", service="lambda", operation="ListAliases")
    result = account.shell("init", "lambda", "ocr", "--region", "eu-west-1")
    assert result.code == 0
    assert "aliases: could not be listed (lambda:ListAliases)" in result.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nope", "--region", "eu-west-1"], "there is no function nope in eu-west-1"),
        (["ocr", "--region", "eu-north-1"], "there is no function ocr in eu-north-1"),
        (["ocr", "--region", "eu-west-1", "--qualifier", "no"], "is there, but has no 'no'"),
        (["ocr"], "no region is set: give --region, or set AWS_REGION"),
    ],
)
def test_init_of_what_is_not_there(account: Account, arguments: list[str], says: str) -> None:
    result = account.shell("init", "lambda", *arguments)
    assert result.code == ExitCode.ERROR
    assert says in result.error
    assert result.out == ""


def test_regions_are_checked_before_aws_is_asked(account: Account) -> None:
    result = account.shell("init", "lambda", "ocr", "--region", "eu-west")
    assert result.code == ExitCode.USAGE
    assert 'did you mean "eu-west-' in result.error


# --- doctor ---


def checks(account: Account, *options: str) -> tuple[int, dict[str, Any]]:
    result = account.shell("doctor", *options, "-o", "json", env={"AWS_REGION": "eu-west-1"})
    document = result.document
    assert document["kind"] == "DoctorReport"
    assert document["ok"] == (result.code == 0)
    return result.code, {item["check"]: item for item in document["items"]}


@pytest.mark.parametrize("mode", ["Enforce", "Recommend"])
def test_a_healthy_patient(account: Account, mode: str) -> None:
    account.write(policy("ocr", mode=mode))
    code, found = checks(account, "--policies", str(account.policies), "--try-enforce")
    assert code == 0
    assert {item["verdict"] for item in found.values()} == {"ok"}
    assert ACCOUNT in found["credentials"]["message"]
    assert set(found) >= {
        "journal",
        "policies",
        "clock",
        "lambda:GetFunctionConfiguration",
        "lambda:GetAlias",
        "cloudwatch:GetMetricData",
        "logs:StartQuery, logs:GetQueryResults",
        "tag:GetResources",
        "prices",
        "lambda:UpdateFunctionConfiguration",
        "lambda:UpdateAlias",
    }
    assert account.memory_mb("ocr") == 3008
    table = account.shell("doctor", "--policies", account.policies)
    assert table.out.count("ok  ") >= 10
    assert not account.shell.store.exists()


def test_without_policies_it_tries_the_region_of_the_environment(account: Account) -> None:
    code, found = checks(account)
    assert code == 0
    assert found["lambda:ListFunctions"]["message"].startswith("4 functions")
    # nobody said that there are endpoints: what can be asked without one is asked
    assert {item["verdict"] for item in found.values()} == {"ok"}, found
    assert found["sagemaker:ListEndpoints"]["message"] == "0 endpoints on the first page"
    assert "sagemaker:ListEndpointConfigs" in found
    assert "application-autoscaling:DescribeScalingPolicies" in found
    account.control.add_fault("denied", service="sagemaker", operation="ListEndpoints")
    code, found = checks(account)
    assert (code, found["sagemaker:ListEndpoints"]["verdict"]) == (0, "warn")
    assert "needed only for endpoints of SageMaker" in found["sagemaker:ListEndpoints"]["message"]
    nowhere = account.shell("doctor")
    assert nowhere.code == ExitCode.ERROR
    assert "no region is set" in nowhere.error


@pytest.mark.parametrize(
    ("fault", "check", "verdict", "says"),
    [
        ({"service": "lambda", "operation": "GetFunctionConfiguration"},
         "lambda:GetFunctionConfiguration", "fail", "allow lambda:GetFunctionConfiguration"),
        ({"service": "cloudwatch"}, "cloudwatch:GetMetricData", "fail", "GetMetricData"),
        ({"service": "logs"}, "logs:StartQuery, logs:GetQueryResults", "warn", "never taken away"),
        ({"service": "pricing"}, "prices", "fail", "pricing:GetProducts"),
        ({"service": "lambda", "operation": "UpdateAlias"}, "lambda:UpdateAlias", "fail",
         "allow lambda:UpdateAlias"),
    ],
)  # fmt: skip
def test_each_missing_permission_is_named(
    account: Account, fault: dict[str, str], check: str, verdict: str, says: str
) -> None:
    account.write(policy("ocr", mode="Enforce"))
    account.control.add_fault("denied", **fault)
    code, found = checks(account, "--policies", str(account.policies), "--try-enforce")
    assert code == (ExitCode.ERROR if verdict == "fail" else 0)
    assert found[check]["verdict"] == verdict
    assert says in found[check]["message"]


def test_clocks_that_disagree(account: Account) -> None:
    class Fast:
        def __init__(self, seconds: float) -> None:
            self.seconds = seconds

        def now_s(self) -> float:
            return account.world.now_s() + self.seconds

        def monotonic_s(self) -> float:
            return self.now_s()

        def wait(self, seconds: float) -> None:
            account.world.advance(seconds)

    for seconds, verdict in ((10.0, "ok"), (90.0, "warn"), (-600.0, "fail")):
        account.shell.clock = Fast(seconds)
        _, found = checks(account)
        assert found["clock"]["verdict"] == verdict, seconds
    assert "600 s behind AWS" in found["clock"]["message"]


def test_bad_policies_and_a_bad_journal_are_findings(account: Account, tmp_path: Path) -> None:
    account.write("spec: [")
    account.shell.store.parent.mkdir()
    account.shell.store.write_text("no journal" * 500)
    code, found = checks(account, "--policies", str(account.policies))
    assert code == ExitCode.ERROR
    assert found["policies"]["verdict"] == "fail"
    assert found["journal"]["verdict"] == "fail"


def test_an_empty_region_is_a_warning(account: Account) -> None:
    code, found = checks(account, "--region", "us-east-1")
    assert code == 0
    assert found["functions"]["verdict"] == "warn"


# --- where AWS cannot be reached, or refuses ---

COMMANDS = [
    ["plan", "--policies", "POLICIES"],
    ["explain", "ocr", "--policies", "POLICIES"],
    ["init", "lambda", "ocr", "--region", "eu-west-1"],
    ["doctor", "--policies", "POLICIES"],
    ["apply", "PLAN", "--policies", "POLICIES", "--yes"],
]


@pytest.fixture
def lines(account: Account, tmp_path: Path) -> Callable[[list[str]], list[str]]:
    """Command lines with a policy, and a plan made while all was well, at hand."""
    account.write(policy("ocr"))
    plan = tmp_path / "plan.json"
    assert account.shell("plan", "--policies", account.policies, "--out", plan).code == 0
    places = {"POLICIES": str(account.policies), "PLAN": str(plan)}
    return lambda words: [places.get(word, word) for word in words]


def told(result: Any, words: list[str]) -> str:
    """The error of a command, wherever it tells it."""
    assert result.code == ExitCode.ERROR, (words, result)
    assert "Traceback" not in result.err
    return str(result.out + result.err)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_unreachable(
    account: Account, lines: Callable[[list[str]], list[str]], words: list[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = account.shell(*lines(words), "--endpoint-url", f"http://127.0.0.1:{port}")
    assert f"could not connect to 127.0.0.1:{port}: check region 'eu-west-1'" in told(result, words)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_expired_credentials(
    account: Account, lines: Callable[[list[str]], list[str]], words: list[str]
) -> None:
    line = lines(words)
    account.control.add_fault("expired")
    text = told(account.shell(*line), words)
    assert "the AWS credentials have expired; sign in again or renew them" in text


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_no_credentials_at_all(
    account: Account,
    lines: Callable[[list[str]], list[str]],
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = lines(words)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    text = told(account.shell(*line), words)
    assert "no complete AWS credentials were found" in text


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_denied(
    account: Account, lines: Callable[[list[str]], list[str]], words: list[str]
) -> None:
    line = lines(words)
    account.control.add_fault("denied", service="lambda")
    assert "was denied: allow lambda:" in told(account.shell(*line), words)


@pytest.mark.parametrize("words", COMMANDS[:2], ids=lambda words: words[0])
def test_the_wrong_region_and_the_wrong_account(
    account: Account, lines: Callable[[list[str]], list[str]], words: list[str]
) -> None:
    line = lines(words)
    account.write(policy("ocr", region="eu-north-1"))
    assert "there is no function ocr in eu-north-1" in told(account.shell(*line), words)
    account.write(
        policy("ocr").replace(
            "kind: lambda_function", 'kind: lambda_function, account: "210987654321"'
        )
    )
    assert "The policy is for account 210987654321" in told(account.shell(*line), words)


@pytest.mark.parametrize("words", COMMANDS[:2], ids=lambda words: words[0])
def test_metrics_that_cannot_be_read(
    account: Account, lines: Callable[[list[str]], list[str]], words: list[str]
) -> None:
    line = lines(words)
    account.control.add_fault("denied", service="cloudwatch")
    assert "cloudwatch:GetMetricData" in told(account.shell(*line), words)


def test_something_that_is_not_aws(account: Account, lines: Any) -> None:
    for url in ("http://127.0.0.1:1", "nonsense", "http://"):
        result = account.shell(*lines(COMMANDS[0]), "--endpoint-url", url)
        assert result.code == ExitCode.ERROR
        assert len(result.err.splitlines()) == 1


def test_one_place_that_fails_does_not_hide_the_others(account: Account) -> None:
    account.write(policy("ocr"), policy("thumbs", region="us-east-1"))
    account.control.add_fault("denied", service="lambda", region="us-east-1")
    result = account.shell("plan", "--policies", account.policies)
    assert result.code == ExitCode.ERROR
    assert "lambda eu-west-1/ocr:live" in result.out
    assert "lambda us-east-1/thumbs:live" in result.err


# --- sandbox serve ---


def test_sandbox_account_files_that_cannot_be_used(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "account.json"
    cases = {
        "[": "does not describe an account",
        "[1]": "it is no JSON object",
        '{"functionz": []}': "has no member 'functionz'",
        '{"functions": [{}]}': "does not describe an account",
        '{"functions": 7}': "does not describe an account",
    }
    for text, says in cases.items():
        path.write_text(text, "utf-8")
        result = shell("sandbox", "serve", "--port", "0", "--account-file", path)
        assert result.code == ExitCode.INVALID, text
        assert says in result.error
    missing = shell("sandbox", "serve", "--port", "0", "--account-file", tmp_path / "none")
    assert missing.code == ExitCode.ERROR


def test_a_taken_port_is_named(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "account.json"
    path.write_text("{}", "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = shell("sandbox", "serve", "--port", port, "--account-file", path)
    assert result.code == ExitCode.ERROR
    assert f"cannot listen on 127.0.0.1 port {port}" in result.error


def test_the_sandbox_prints_what_its_users_need_and_ends_in_order(tmp_path: Path) -> None:
    path = tmp_path / "account.json"
    path.write_text(json.dumps({"functions": [function("ocr", 512)]}), "utf-8")
    line = ["sandbox", "serve", "--port", "0", "--account-file", str(path)]
    with subprocess.Popen(
        [sys.executable, "-m", "controller.cli.main", *line], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        exports = dict(
            process.stdout.readline().strip().removeprefix("export ").split("=", 1)
            for _ in range(4)
        )
        assert set(exports) == {
            "AWS_ENDPOINT_URL",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_REGION",
        }
        client = SandboxClient(exports["AWS_ENDPOINT_URL"])
        assert [f["name"] for f in client.functions()] == ["ocr"]
        process.terminate()
        assert process.wait(30) == 0


def test_the_sandbox_serves_the_whole_account_of_the_demo() -> None:
    line = ["sandbox", "serve", "--port", "0"]
    with subprocess.Popen(
        [sys.executable, "-m", "controller.cli.main", *line], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip().partition("=")[2]
        client = SandboxClient(url)
        document = demo_document(endpoints=True)
        assert {f["name"] for f in client.functions()} == {f["name"] for f in document["functions"]}
        assert {e["name"] for e in client.endpoints()} == {e["name"] for e in document["endpoints"]}
        process.terminate()
        assert process.wait(30) == 0
