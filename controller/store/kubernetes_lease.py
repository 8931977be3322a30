"""The lease as a Kubernetes Lease, with the service account of the pod.

Three requests of the API (get, create, replace) on one object need no client library: urllib3
is there with boto3. `resourceVersion` is the optimistic lock, `leaseTransitions` the term;
the times are written for whoever reads them with kubectl, and never read back. See
https://kubernetes.io/docs/reference/kubernetes-api/coordination/lease-v1/
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

from controller.model.errors import (
    AccessDenied,
    AdapterError,
    Conflict,
    Retryable,
    Terminal,
    Throttled,
    Unauthenticated,
    Unreachable,
)
from controller.model.lease import NOBODY, LeaseRecord

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Mounted into every pod: `token` (renewed about hourly), `ca.crt`, `namespace`."""
_PATIENCE = urllib3.Timeout(connect=1.0, read=2.0, total=3.0)
_UNKNOWN_S = 60.0
_BY_STATUS: dict[int, type[AdapterError]] = {
    401: Unauthenticated,
    403: AccessDenied,
    409: Conflict,
    429: Throttled,
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """How the API is reached."""

    url: str = "https://kubernetes.default.svc"
    account: Path = ACCOUNT
    namespace: str | None = None
    """None: the pod's own."""


class KubernetesLease:
    """The common record as a Lease. Every request ends within three seconds."""

    def __init__(self, cluster: Cluster, name: str, now_s: Callable[[], float]) -> None:
        """Raises Terminal where this is no pod."""
        self._account = cluster.account
        namespace = cluster.namespace or self._mounted("namespace")
        self._base = (
            f"{cluster.url.rstrip('/')}/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        )
        self._name, self._namespace, self._now_s = name, namespace, now_s
        authority = cluster.account / "ca.crt"
        self._http = urllib3.PoolManager(
            timeout=_PATIENCE,
            retries=False,
            ca_certs=str(authority) if authority.exists() else None,
        )
        self._acquired: str | None = None
        self._transition = (NOBODY, 0)

    def read(self) -> LeaseRecord | None:
        """As it is now: the API server reads it from etcd's quorum."""
        found = self._ask("GET", f"{self._base}/{self._name}", absent=True)
        return None if found is None else _record(found)

    def swap(self, seen: LeaseRecord | None, wanted: LeaseRecord) -> LeaseRecord:
        """Create it, or replace it if its resourceVersion is the one seen. Raises Conflict."""
        body = self._document(seen, wanted)
        if seen is None:
            answer = self._ask("POST", self._base, body)
        else:
            answer = self._ask("PUT", f"{self._base}/{self._name}", body)
        assert answer is not None, "only reads may find nothing"
        return _record(answer)

    def close(self) -> None:
        """Release connections."""
        self._http.clear()

    def _document(self, seen: LeaseRecord | None, wanted: LeaseRecord) -> dict[str, Any]:
        now = datetime.fromtimestamp(self._now_s(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if self._acquired is None or self._transition != (wanted.holder, wanted.term):
            self._acquired, self._transition = now, (wanted.holder, wanted.term)
        metadata = {"name": self._name, "namespace": self._namespace}
        if seen is not None:
            metadata["resourceVersion"] = seen.version
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": {
                "holderIdentity": wanted.holder,
                "leaseDurationSeconds": round(wanted.duration_s),
                "leaseTransitions": wanted.term,
                "acquireTime": self._acquired,
                "renewTime": now,
            },
        }

    def _ask(
        self, method: str, url: str, body: dict[str, Any] | None = None, *, absent: bool = False
    ) -> Any:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if (self._account / "token").exists():
            # read anew each time: the kubelet replaces it before it expires
            headers["Authorization"] = f"Bearer {self._mounted('token')}"
        content = None if body is None else json.dumps(body).encode()
        try:
            answer = self._http.request(method, url, body=content, headers=headers)
        except HTTPError as error:
            raise Unreachable(
                f"the Kubernetes API could not be reached ({type(error).__name__})",
                operation=method,
                code=type(error).__name__,
            ) from None
        if answer.status == 404 and absent:
            return None
        if answer.status >= 300:
            raise self._refusal(method, answer.status)
        try:
            return json.loads(answer.data)
        except ValueError:
            raise Retryable("the Kubernetes API gave no JSON", operation=method) from None

    def _refusal(self, method: str, status: int) -> AdapterError:
        kind = _BY_STATUS.get(status, Retryable if status >= 500 else Terminal)
        what = f"the Kubernetes API answered {status} for lease {self._namespace}/{self._name}"
        if kind in {AccessDenied, Unauthenticated}:
            what += ": its role must allow get, create and update of leases"
        return kind(what, operation=method, code=str(status))

    def _mounted(self, name: str) -> str:
        try:
            return (self._account / name).read_text("utf-8").strip()
        except OSError:
            raise Terminal(
                f"there is no {name} of a service account in {self._account}:"
                " the lease of Kubernetes needs a pod",
                operation="lease",
            ) from None


def _record(document: Any) -> LeaseRecord:
    """A Lease whose fields were removed by hand is waited for, and then taken."""
    spec, metadata = document.get("spec") or {}, document["metadata"]
    return LeaseRecord(
        holder=spec.get("holderIdentity") or NOBODY,
        term=int(spec.get("leaseTransitions") or 0),
        duration_s=float(spec.get("leaseDurationSeconds") or _UNKNOWN_S),
        version=str(metadata["resourceVersion"]),
    )
