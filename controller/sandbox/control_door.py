"""Door 3: the world itself, as a JSON API under `/_sandbox/` beside the AWS one.

| request | does |
|---|---|
| GET health | `{"status": "ok", "now_s", "requests"}` |
| GET clock | `{"now_s", "next_event_s", "pending"}` |
| POST clock `{"advance_s": x}` or `{"to_s": x}` | lets time pass, answers like GET |
| POST seed | adds functions, workloads, actors: a document of `controller.sandbox.seeding` |
| POST functions `[...]` | the same for the document's `functions` alone |
| GET functions | names by account and region |
| GET, POST, DELETE faults; DELETE faults/N | faults of requests, by the fields of `Fault` |
| POST limits | AWS's own rates of calls, as faults |
| GET calls `?service=&operation=&limit=`; DELETE calls | the record of calls |
| POST roles | a role for AssumeRole, by the fields of `Role` |
| POST accounts `{access key: account}` | whose a key is |
| POST reset | a new world, where the server was given a way to make one |

Everything is answered with 200, or with 4xx and `{"error": one sentence}`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from controller.sandbox.extensions import state_of
from controller.sandbox.faults import Fault, FaultKind
from controller.sandbox.front import Front
from controller.sandbox.limits import aws_limits
from controller.sandbox.principals import Principals
from controller.sandbox.sagemaker_state import SageMakerState
from controller.sandbox.seeding import seed_world
from controller.sandbox.sts_api import Role, StsState

if TYPE_CHECKING:
    from controller.sandbox.world import World

PREFIX = "/_sandbox/"
_FAULT_FIELDS = frozenset(
    {
        "kind",
        "service",
        "operation",
        "account",
        "region",
        "times",
        "probability",
        "rate_per_s",
        "burst",
        "latency_ms",
    }
)


class ControlError(Exception):
    """A request the control door refuses, in one sentence."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class ControlDoor:
    """Answers control requests about the present world, which a reset may replace."""

    def __init__(self, world: World, make_world: Callable[[], World] | None = None) -> None:
        self.world = world
        self._make_world = make_world
        self._routes: Mapping[tuple[str, str], Callable[[Any], Any]] = {
            ("GET", "health"): self._health,
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._move_clock,
            ("POST", "seed"): self._seed,
            ("POST", "functions"): self._seed_functions,
            ("GET", "functions"): self._functions,
            ("GET", "endpoints"): self._endpoints,
            ("GET", "faults"): self._faults,
            ("POST", "faults"): self._add_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("POST", "limits"): self._add_limits,
            ("GET", "calls"): self._calls,
            ("DELETE", "calls"): self._clear_calls,
            ("POST", "roles"): self._add_role,
            ("POST", "accounts"): self._add_accounts,
            ("POST", "reset"): self._reset,
        }

    def answer(self, method: str, path: str, query: str, body: bytes) -> tuple[int, Any]:
        """(HTTP status, JSON-able answer). path: after `/_sandbox/`."""
        try:
            with self.world.lock:
                return 200, self._route(method, path.strip("/"), query, body)
        except ControlError as refusal:
            return refusal.status, {"error": str(refusal)}
        except (ValueError, TypeError, KeyError) as problem:
            return 400, {"error": f"{type(problem).__name__}: {problem}"}

    def _route(self, method: str, path: str, query: str, body: bytes) -> Any:
        room, _, number = path.partition("/")
        if method == "DELETE" and room == "faults" and number:
            return self._remove_fault(number)
        route = self._routes.get((method, path))
        if route is None:
            known = any(place == path for _, place in self._routes)
            text = f"{PREFIX}{path} does not take {method}." if known else f"No {PREFIX}{path}."
            raise ControlError(text, 405 if known else 404)
        if method == "POST":
            return route(_json_of(body))
        return route({name: values[0] for name, values in parse_qs(query).items()})

    # --- the world

    def _health(self, _: Any) -> Any:
        requests = state_of(self.world, Front).requests
        return {"status": "ok", "now_s": self.world.now_s(), "requests": requests}

    def _clock(self, _: Any) -> Any:
        pending = [{"at_s": at_s, "what": what} for at_s, what in self.world.pending_events()]
        return {
            "now_s": self.world.now_s(),
            "next_event_s": self.world.next_event_s(),
            "pending": pending[:100],
        }

    def _move_clock(self, wanted: Any) -> Any:
        given = _fields(wanted, frozenset({"advance_s", "to_s"}))
        if len(given) != 1:
            raise ControlError("Give either advance_s or to_s.")
        if "advance_s" in given:
            self.world.advance(_number(given["advance_s"]))
        else:
            self.world.advance_to(_number(given["to_s"]))
        return self._clock(None)

    def _seed(self, document: Any) -> Any:
        if not isinstance(document, dict):
            raise ControlError("A seed is a JSON object.")
        seed_world(self.world, document)
        return self._functions(None)

    def _seed_functions(self, functions: Any) -> Any:
        return self._seed({"functions": functions})

    def _functions(self, _: Any) -> Any:
        return {
            "functions": [
                {"account": account, "region": region, "name": name}
                for (account, region), place in sorted(self.world.regions.items())
                for name in sorted(place.functions)
            ]
        }

    def _endpoints(self, _: Any) -> Any:
        places = state_of(self.world, SageMakerState).places
        return {
            "endpoints": [
                {"account": account, "region": region, "name": name, "status": one.status}
                for (account, region), place in sorted(places.items())
                for name, one in sorted(place.endpoints.items())
            ]
        }

    def _reset(self, _: Any) -> Any:
        if self._make_world is None:
            raise ControlError("This sandbox was not told how to make a new world.", 409)
        self.world = self._make_world()
        return self._health(None)

    # --- requests: faults, calls, principals

    def _faults(self, _: Any) -> Any:
        return {"faults": [_shown(fault) for fault in self._plan.faults]}

    def _add_faults(self, wanted: Any) -> Any:
        listed = wanted if isinstance(wanted, list) else [wanted]
        faults = [fault_from(document) for document in listed]
        return {"faults": [_shown(self._plan.add(fault)) for fault in faults]}

    def _add_limits(self, _: Any) -> Any:
        return {"faults": [_shown(self._plan.add(fault)) for fault in aws_limits()]}

    def _clear_faults(self, _: Any) -> Any:
        self._plan.clear()
        return self._faults(None)

    def _remove_fault(self, number: str) -> Any:
        if not number.isdigit() or not self._plan.remove(int(number)):
            raise ControlError(f"There is no fault {number}.", 404)
        return self._faults(None)

    def _calls(self, query: Any) -> Any:
        recorder = state_of(self.world, Front).recorder
        calls = recorder.calls(query.get("service"), query.get("operation"))
        limit = int(query.get("limit", 1000))
        counts = [
            {"service": service, "operation": operation, "outcome": outcome, "calls": count}
            for (service, operation, outcome), count in sorted(recorder.counts.items())
        ]
        return {"calls": [call.as_json() for call in calls[-limit:]], "counts": counts}

    def _clear_calls(self, _: Any) -> Any:
        state_of(self.world, Front).recorder.clear()
        return {"calls": [], "counts": []}

    def _add_role(self, document: Any) -> Any:
        allowed = frozenset({"arn", "external_id", "trusted_accounts", "max_session_s"})
        given = _fields(document, allowed)
        given["trusted_accounts"] = frozenset(given.get("trusted_accounts", ()))
        state_of(self.world, StsState).add(Role(**given))
        return {"roles": sorted(state_of(self.world, StsState).roles)}

    def _add_accounts(self, document: Any) -> Any:
        if not isinstance(document, dict):
            raise ControlError("Give an object of access keys and their accounts.")
        accounts = state_of(self.world, Principals).accounts_by_key
        accounts.update({str(key): str(account) for key, account in document.items()})
        return {"accounts": dict(accounts)}

    @property
    def _plan(self) -> Any:
        return state_of(self.world, Front).faults


def fault_from(document: Any) -> Fault:
    """A fault from JSON. Raises ControlError for a field or a kind that does not exist."""
    given = _fields(document, _FAULT_FIELDS)
    try:
        given["kind"] = FaultKind(str(given.get("kind")))
    except ValueError as problem:
        kinds = ", ".join(FaultKind)
        raise ControlError(f"A fault's kind is one of {kinds}.") from problem
    return Fault(**given)


def _shown(fault: Fault) -> Mapping[str, Any]:
    fields = {name: getattr(fault, name) for name in sorted(_FAULT_FIELDS)}
    return {"number": fault.number, "hits": fault.hits, **fields}


def _json_of(body: bytes) -> Any:
    if not body:
        return {}
    try:
        return json.loads(body)
    except ValueError as problem:
        raise ControlError("The body is not valid JSON.") from problem


def _fields(document: Any, allowed: frozenset[str]) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise ControlError("A JSON object was expected.")
    unknown = sorted(set(document) - allowed)
    if unknown:
        raise ControlError(f"There is no field {unknown[0]!r}; there are {sorted(allowed)}.")
    return dict(document)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ControlError("A number of seconds was expected.")
    return float(value)
