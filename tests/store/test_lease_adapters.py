"""The common record where it is kept: DynamoDB and Kubernetes make the same promise."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from store_tables import Account

from controller.model.errors import AccessDenied, Conflict, Retryable, Terminal, Unreachable
from controller.model.lease import NOBODY, LeaseRecord
from controller.runtime.lease_records import LeaseRecords
from controller.store.dynamodb.connect import Table
from controller.store.dynamodb.lease import DynamoLease
from controller.store.kubernetes_lease import Cluster, KubernetesLease

ME = LeaseRecord("me", 1, 10.0)
NOW_S = 1_772_020_800.5


class Api:
    """As much of a Kubernetes API server as a Lease needs, with its optimistic lock."""

    def __init__(self) -> None:
        self.leases: dict[str, Any] = {}
        self.version = 0
        self.status: int | None = None
        self.tokens: list[str] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                api.tokens.append(self.headers.get("Authorization", ""))
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                status, answer = api.handle(self.command, self.path, body)
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = _answer

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def handle(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        base, _, name = path.partition("/leases")
        assert base == "/apis/coordination.k8s.io/v1/namespaces/ops", path
        name = name.lstrip("/") or body["metadata"]["name"]
        kept = self.leases.get(name)
        if self.status is not None:
            return self.status, {}
        if method == "GET":
            return (404, {}) if kept is None else (200, kept)
        if method == "POST" and kept is not None:
            return 409, {}
        if method == "PUT" and (
            kept is None
            or kept["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]
        ):
            return 409, {}
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        self.leases[name] = body
        return (201 if method == "POST" else 200), body


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def account_files(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("first\n", encoding="utf-8")
    (tmp_path / "namespace").write_text("ops", encoding="utf-8")
    return tmp_path


def _kubernetes(api: Api, files: Path, name: str = "rightsizer") -> KubernetesLease:
    return KubernetesLease(Cluster(api.url, files), name, lambda: NOW_S)


@pytest.fixture(params=["dynamodb", "kubernetes"])
def records(request: pytest.FixtureRequest) -> Iterator[LeaseRecords]:
    made: LeaseRecords
    if request.param == "dynamodb":
        account: Account = request.getfixturevalue("dynamodb")
        made = DynamoLease(Table(account.table().name, "eu-west-1"), "rightsizer")
    else:
        files = request.getfixturevalue("account_files")
        made = _kubernetes(request.getfixturevalue("api"), files)
    yield made
    made.close()


def test_a_record_is_written_only_by_whoever_saw_it_as_it_is(records: LeaseRecords) -> None:
    assert records.read() is None
    first = records.swap(None, ME)
    assert records.read() == first
    assert (first.holder, first.term, first.duration_s) == ("me", 1, 10.0)
    with pytest.raises(Conflict):
        records.swap(None, ME)
    renewed = records.swap(first, ME)
    assert renewed.version != first.version
    with pytest.raises(Conflict):
        records.swap(first, LeaseRecord("them", 2, 10.0))
    taken = records.swap(renewed, LeaseRecord("them", 2, 10.0))
    assert records.read() == taken
    given_back = records.swap(taken, LeaseRecord(NOBODY, 2, 10.0))
    assert records.read() == given_back
    assert given_back.holder == NOBODY


def test_kubernetes_sees_an_ordinary_lease(api: Api, account_files: Path) -> None:
    lease = _kubernetes(api, account_files)
    lease.swap(lease.swap(None, ME), ME)
    spec = api.leases["rightsizer"]["spec"]
    assert spec == {
        "holderIdentity": "me",
        "leaseDurationSeconds": 10,
        "leaseTransitions": 1,
        "acquireTime": "2026-02-25T12:00:00.500000Z",
        "renewTime": "2026-02-25T12:00:00.500000Z",
    }


def test_a_token_that_was_renewed_is_used(api: Api, account_files: Path) -> None:
    lease = _kubernetes(api, account_files)
    lease.read()
    (account_files / "token").write_text("second", encoding="utf-8")
    lease.read()
    assert api.tokens == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize(
    ("status", "kind"), [(403, AccessDenied), (500, Retryable), (409, Conflict), (422, Terminal)]
)
def test_refusals_of_kubernetes(
    api: Api, account_files: Path, status: int, kind: type[Exception]
) -> None:
    api.status = status
    with pytest.raises(kind, match=rf"answered {status} for lease ops/rightsizer"):
        _kubernetes(api, account_files).read()


def test_a_kubernetes_that_is_not_there(account_files: Path) -> None:
    nowhere = KubernetesLease(Cluster("http://127.0.0.1:1", account_files), "x", lambda: NOW_S)
    with pytest.raises(Unreachable, match="could not be reached"):
        nowhere.read()


def test_outside_of_a_pod_there_is_no_lease_of_kubernetes(tmp_path: Path) -> None:
    with pytest.raises(Terminal, match="needs a pod"):
        KubernetesLease(Cluster("http://127.0.0.1:1", tmp_path), "x", lambda: NOW_S)


def test_a_lease_that_was_emptied_by_hand_is_waited_for(api: Api, account_files: Path) -> None:
    lease = _kubernetes(api, account_files)
    lease.swap(None, ME)
    api.leases["rightsizer"]["spec"] = {"holderIdentity": "somebody"}
    seen = lease.read()
    assert seen is not None
    assert (seen.holder, seen.term, seen.duration_s) == ("somebody", 0, 60.0)
