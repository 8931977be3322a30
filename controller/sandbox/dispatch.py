"""One way through: from an HTTP request to an HTTP answer, for every door.

identify → who asks → faults → read and check parameters → may they? → handle → faults →
write → record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from controller.sandbox.extensions import state_of
from controller.sandbox.faults import TransportFault
from controller.sandbox.front import Front
from controller.sandbox.iam.guard import Guard
from controller.sandbox.principals import Principals
from controller.sandbox.recorder import RecordedCall, digest_of
from controller.sandbox.services import SERVICES, SIGNING_NAMES, Services, service_of
from controller.sandbox.wire.catalog import (
    Call,
    described,
    foreign_codec,
    load_service,
    protocol_of,
)
from controller.sandbox.wire.contract import METADATA_KEY, SLEEP_KEY, AwsError, RequestContext
from controller.sandbox.wire.credentials import signer_of
from controller.sandbox.wire.errors import ErrorBook, not_in_sandbox
from controller.sandbox.wire.http import HttpRequest, HttpResponse, unpacked
from controller.sandbox.wire.malformed import MalformedError
from controller.sandbox.wire.timestamps import rfc822

if TYPE_CHECKING:
    from controller.sandbox.world import World


def dispatch(world: World, request: HttpRequest, services: Services = SERVICES) -> HttpResponse:
    """Answer a request. Thread-safe: a world handles one request at a time.

    AWS's errors are answers. Raises TransportFault where a fault leaves the caller without
    one, whatever a crash hook raises, and any exception that is a handler's own mistake.
    """
    front = state_of(world, Front)
    with world.lock:
        passage = _Passage(world, front, request, services)
        try:
            response = passage.answer()
        except TransportFault as fault:
            passage.record(0, fault.kind.value)
            raise
        except BaseException as crash:
            passage.record(0, type(crash).__name__)
            raise
        passage.record(response.status, passage.outcome)
        response.headers["date"] = rfc822(passage.ctx.now_s + front.faults.clock_skew_s)
        return response


class _Passage:
    """One request on its way through; remembers how far it came, for the record."""

    def __init__(
        self, world: World, front: Front, request: HttpRequest, services: Services
    ) -> None:
        self._world = world
        self._front = front
        self._request = request
        self._services = services
        self._request_id = front.next_request_id()
        self._protocol = protocol_of(request, "")
        self._latency_ms = 0.0
        self.outcome = "ok"
        host = request.headers.get("host", "")
        self.ctx = RequestContext("", "", "", "", "", world.now_s(), host)

    def answer(self) -> HttpResponse:
        """The answer, whether it is one of joy or an error."""
        try:
            response = self._answer()
        except MalformedError as problem:
            response = self._error(AwsError("SerializationException", str(problem)))
        except AwsError as error:
            response = self._error(error)
        if self._latency_ms:
            response = replace(response, sleep_ms=response.sleep_ms + self._latency_ms)
        return response

    def _answer(self) -> HttpResponse:
        self._request = unpacked(self._request)
        call = self._identify()
        handler = self._services.get(call.operation.service.name, {}).get(call.operation.name)
        if handler is None:
            raise not_in_sandbox(f"the operation {self.ctx.service}.{self.ctx.operation}")
        faults = self._front.faults
        self._latency_ms = faults.before(self.ctx)
        params = call.operation.params(self._request, call.labels)
        state_of(self._world, Guard).check(self._world, self.ctx, params)
        faults.run_hooks("before", self.ctx)
        members = handler(self._world, self.ctx, params)
        faults.run_hooks("after", self.ctx)
        faults.after(self.ctx)
        return _written(call, members, self._request_id)

    def _identify(self) -> Call:
        """Who asks, and for which operation; fills the context in as it becomes known."""
        signer = signer_of(self._request)
        self._protocol = protocol_of(self._request, signer.signing_name)
        name = service_of(signer.signing_name, self._request.headers.get("x-amz-target"))
        if name == "sagemaker-runtime":
            # The body may be of any content type, a form's among them.
            self._protocol = "rest-json"
        service_name = name or signer.signing_name
        self.ctx = replace(self.ctx, service=service_name, region=signer.region)
        principals = state_of(self._world, Principals)
        who = principals.of(signer, service_name, self.ctx.now_s)
        self.ctx = replace(self.ctx, account=who.account, principal=who.arn)
        if name is None:
            raise not_in_sandbox(described(self._request, signer.signing_name))
        service = load_service(name)
        if self._protocol not in service.protocols:
            raise not_in_sandbox(f"the protocol {self._protocol} for {name}")
        call = service.call(self._request, self._protocol)
        self.ctx = replace(self.ctx, operation=call.operation.name)
        return call

    def _error(self, error: AwsError) -> HttpResponse:
        self.outcome = error.code
        if self.ctx.service in SIGNING_NAMES.values():
            service = load_service(self.ctx.service)
            protocol = self._protocol
            if protocol not in service.protocols:
                protocol = service.protocols[0]
            return service.codec(protocol).error(service.errors.answer(error), self._request_id)
        codec = foreign_codec(self._protocol)
        return codec.error(ErrorBook(None).answer(error), self._request_id)

    def record(self, status: int, outcome: str) -> None:
        """Write the call down."""
        self._front.recorder.add(
            RecordedCall(
                number=self._front.requests,
                time_s=self.ctx.now_s,
                service=self.ctx.service,
                operation=self.ctx.operation,
                account=self.ctx.account,
                region=self.ctx.region,
                principal=self.ctx.principal,
                digest=digest_of(self._request),
                status=status,
                outcome=outcome,
            )
        )


def _written(call: Call, members: Mapping[str, Any], request_id: str) -> HttpResponse:
    """Serialise a handler's members; the keys that are for the doors are taken out."""
    if SLEEP_KEY not in members and METADATA_KEY not in members:
        return call.operation.write(members, request_id)
    modelled = {k: v for k, v in members.items() if k not in (SLEEP_KEY, METADATA_KEY)}
    response = call.operation.write(modelled, request_id)
    metadata = members.get(METADATA_KEY, {})
    response.headers.update(metadata.get("HTTPHeaders", {}))
    return replace(
        response,
        status=int(metadata.get("HTTPStatusCode", response.status)),
        sleep_ms=float(members.get(SLEEP_KEY, 0.0)),
    )
