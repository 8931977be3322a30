"""Scenarios in YAML: what is given, what happens, and what must then be so.

```yaml
scenario: one sentence
fact: aws.md §1.4
given:
  world: {endpoints: [...], functions: [...], ...}     # a seed document of the sandbox
  policies: [{name, target, slo, ...}]                 # specs; `name` is the document's
  probing: true                                        # there is a load generator
when:
  - live: 6h                       # the controller runs so long
  - wait: 5m                       # time passes without the controller
  - ask: {endpoint, size}          # a person wants a size (as `rollback` does)
  - somebody: {actor: ...}         # one of the sandbox's actors, now
  - fault: {...}                   # a fault of requests; `clear: faults` ends them all
  - policy: {...}                  # the policies are replaced
  - clear: faults
  - restart: true                  # the controller is stopped and started again
then:
  - size: {endpoint, of fields}    # of the live endpoint, as JSON documents show it
  - changes: {endpoint, phases: [RolledBack], reasons: [UpdateFailed]}      # oldest first
  - hold: {endpoint, reason, says: words}
  - wants: {endpoint, reason, size: {...}}     # what would be done
  - candidate: {endpoint, size: {...}, says: words}   # what is said of a size that was weighed
  - calls: {UpdateEndpoint: 1}     # of ours that AWS carried out; ">0" for any
  - order: [DeregisterScalableTarget, UpdateEndpoint, RegisterScalableTarget]
  - sent: {UpdateEndpoint: {RetainAllVariantProperties: true}}   # in every such call of ours
  - autoscaling: {endpoint, unchanged: true | bounds: [1, 4], policies: [...], actions: [...]}
  - configs: {left: 0}             # endpoint configs made by us that nobody uses
```
Durations are `90s`, `15m`, `6h`, `2d`. Time is virtual; boto3, sandbox and journal are real.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botocore.session import Session as BotocoreSession
from ruamel.yaml import YAML
from virtual_account import MODELS, OURS, REGION, Account

from controller.core.permissions.documents import document
from controller.core.permissions.needs import Features, needs
from controller.model.change import Change
from controller.model.decision import Assessment, Hold, Propose
from controller.model.endpoint import EndpointKey
from controller.policy import load
from controller.runtime.size_documents import size_document, size_from
from controller.sandbox.actors import plan as plan_actor
from controller.sandbox.extensions import state_of
from controller.sandbox.faults import Fault, FaultKind
from controller.sandbox.iam.guard import Guard
from controller.sandbox.inprocess_door import attach
from controller.sandbox.principals import Principals

_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_QUIET = {"Describe", "List", "Get", "Start"}
ACCOUNT_ID = "123456789012"
MODELS_READ = Features(models=(f"s3://models-{ACCOUNT_ID}",))
ONLOOKER = f"AKIA{ACCOUNT_ID}LOOK"
"""Sees what the controller may not, for the checks."""


def seconds(text: str) -> float:
    """`90s`, `15m`, `6h`, `2d`."""
    return float(text[:-1]) * _UNITS_S[text[-1]]


class Scenario:
    """One file, lived through."""

    def __init__(self, document: Mapping[str, Any], folder: Path) -> None:
        self.document = document
        self._folder = folder
        self.sent: list[tuple[str, Mapping[str, Any]]] = []
        given = document["given"]
        world = dict(given["world"])
        functions = world.pop("functions", [])
        probing = bool(given.get("probing"))
        self.account = Account(
            functions, [], seed=3, extra=world, record=self.sent, probing=probing
        )
        if self.account.app.rounds is not None:
            self.account.app.rounds.step_s = 20.0
        self.guard = state_of(self.account.world, Guard)
        state_of(self.account.world, Principals).users_by_key[ONLOOKER] = "onlooker"
        self._use(given["policies"])
        self.first = {name: self._scaling(name) for name in self._endpoints()}

    def play(self) -> None:
        """All of `when`."""
        for step in self.document["when"]:
            ((verb, value),) = step.items()
            getattr(self, f"_{verb}")(value)

    # --- when ---

    def _use(self, specs: list[dict[str, Any]]) -> None:
        documents = []
        for spec in specs:
            body = {"mode": "Enforce", **{k: v for k, v in spec.items() if k != "name"}}
            body["target"] = {"kind": "lambda_function", "region": REGION, **body["target"]}
            documents.append(
                {
                    "apiVersion": "rightsizer.dev/v1alpha1",
                    "kind": "RightsizingPolicy",
                    "metadata": {"name": spec["name"]},
                    "spec": body,
                }
            )
        file = self._folder / "policies.yaml"
        with file.open("w", encoding="utf-8") as out:
            YAML(typ="safe").dump_all(documents, out)
        self.account.policies = load([file])
        # The controller may do what is generated for these policies, and nothing else.
        self.guard.attach(OURS, [document(needs(self.account.policies, MODELS_READ))])
        self.account.app.engine.use(self.account.policies)

    _policy = _use

    def _live(self, length: str) -> None:
        self.account.run(seconds(length))

    def _wait(self, length: str) -> None:
        self.account.world.advance(seconds(length))

    def _ask(self, wish: Mapping[str, Any]) -> None:
        app = self.account.app
        app.engine.resync()
        key = self._key(wish["endpoint"])
        entry = app.roster.get(key)
        assert entry is not None, f"no policy claims {key}"
        app.engine.sample(entry.scope, [entry])
        state = app.adapters[key.kind].observe(entry.scope, key)
        assert app.actuator is not None
        whole = {**size_document(state.size), **wish["size"]}
        app.actuator.request(
            state,
            size_from(whole),
            "a test asks for it",
            policy=entry.policy,
            rules=app.rules[key.kind],
            recent=(),
            actor="somebody",
        )
        app.roster.schedule(key, self.account.clock.now_s())

    def _somebody(self, actor: Mapping[str, Any]) -> None:
        plan_actor(self.account.world, {"at_in_s": 1.0, **actor}, ACCOUNT_ID, REGION)

    def _fault(self, fields: Mapping[str, Any]) -> None:
        self.account.faults.add(Fault(**{**fields, "kind": FaultKind(fields["kind"])}))

    def _clear(self, _: str) -> None:
        self.account.faults.clear()

    def _restart(self, _: bool) -> None:
        self.account.start()

    # --- then ---

    def then_size(self, wanted: Mapping[str, Any]) -> None:
        """The live size has these fields."""
        live = size_document(self._state(wanted["endpoint"]).size)
        fields = {name: value for name, value in wanted.items() if name != "endpoint"}
        assert {name: live.get(name) for name in fields} == fields

    def then_changes(self, wanted: Mapping[str, Any]) -> None:
        """Phases (and reasons of the verdicts) of all changes, oldest first."""
        changes = self._changes(wanted["endpoint"])
        told = [f"{c.before} -> {c.target} {c.phase} ({c.verdict})" for c in changes]
        if "phases" in wanted:
            assert [c.phase.value for c in changes] == wanted["phases"], told
        if "reasons" in wanted:
            reasons = [None if c.verdict is None else c.verdict.reason.value for c in changes]
            assert reasons == wanted["reasons"], told
        if "most" in wanted:
            assert len(changes) <= wanted["most"], told

    def then_hold(self, wanted: Mapping[str, Any]) -> None:
        """The last decision is a hold with this reason."""
        last = self._last(wanted["endpoint"])
        assert isinstance(last.decision, Hold), last.sentence
        assert last.decision.reason.value == wanted["reason"], last.sentence
        assert re.search(wanted.get("says", ""), last.sentence), last.sentence

    def then_wants(self, wanted: Mapping[str, Any]) -> None:
        """What the core would do if nothing stood in the way."""
        last = self._last(wanted["endpoint"])
        assert isinstance(last.wanted, Propose), last.sentence
        proposal = last.wanted.proposal
        assert proposal.reason.value == wanted["reason"], proposal.detail
        target = size_document(proposal.target)
        fields = wanted.get("size", {})
        assert {name: target.get(name) for name in fields} == fields, proposal.detail
        assert re.search(wanted.get("says", ""), proposal.detail), proposal.detail

    def then_candidate(self, wanted: Mapping[str, Any]) -> None:
        """What is said of a size: what its estimate rests on, and why it was or was not taken."""
        found = [
            f"{one.estimate.evidence}; {one.detail}"
            for one in self._last(wanted["endpoint"]).candidates
            if wanted["size"].items() <= size_document(one.estimate.size).items()
        ]
        assert found, wanted["size"]
        assert all(re.search(wanted["says"], words) for words in found), found

    def then_calls(self, wanted: Mapping[str, Any]) -> None:
        """How often we called operations with success."""
        done = self._done()
        for operation, count in wanted.items():
            found = done.count(operation)
            assert found > 0 if count == ">0" else found == count, (operation, found)

    def then_order(self, operations: list[str]) -> None:
        """These operations of ours, among others, in this order."""
        rest = iter(self._done())
        for operation in operations:
            assert any(one == operation for one in rest), (operation, self._done())

    def then_sent(self, wanted: Mapping[str, Any]) -> None:
        """Every such call carried these parameters."""
        for operation, fields in wanted.items():
            found = [params for name, params in self.sent if name == operation]
            assert found, f"{operation} was never called"
            for params in found:
                assert {name: params.get(name) for name in fields} == fields

    def then_autoscaling(self, wanted: Mapping[str, Any]) -> None:
        """What is registered with Application Auto Scaling."""
        now = self._scaling(wanted["endpoint"])
        if wanted.get("unchanged"):
            assert now == self.first[wanted["endpoint"]]
        if "bounds" in wanted:
            assert [[t["MinCapacity"], t["MaxCapacity"]] for t in now["targets"]] == [
                wanted["bounds"]
            ]
        if "tags" in wanted:
            assert now["tags"] == [wanted["tags"]]
        for part, name in (("policies", "PolicyName"), ("actions", "ScheduledActionName")):
            if part in wanted:
                assert sorted(item[name] for item in now[part]) == sorted(wanted[part])

    def then_configs(self, wanted: Mapping[str, int]) -> None:
        """Configs of ours that no endpoint uses."""
        client = self._client("sagemaker")
        names = [c["EndpointConfigName"] for c in client.list_endpoint_configs()["EndpointConfigs"]]
        used = {
            client.describe_endpoint(EndpointName=name)["EndpointConfigName"]
            for name in self._endpoints()
        }
        left = [name for name in names if name.startswith("rightsizer-") and name not in used]
        assert len(left) == wanted["left"], left

    # --- looking ---

    def _done(self) -> list[str]:
        return [
            call.operation
            for call in self.account.calls.calls()
            if call.principal == OURS
            and call.outcome == "ok"
            and not any(call.operation.startswith(word) for word in _QUIET)
        ]

    def _endpoints(self) -> list[str]:
        listed = self._client("sagemaker").list_endpoints()["Endpoints"]
        return [endpoint["EndpointName"] for endpoint in listed]

    def _scaling(self, name: str) -> dict[str, Any]:
        client = self._client("application-autoscaling")
        where = {"ServiceNamespace": "sagemaker"}
        resource = f"endpoint/{name}/variant/AllTraffic"
        targets = client.describe_scalable_targets(**where, ResourceIds=[resource])
        policies = client.describe_scaling_policies(**where, ResourceId=resource)
        actions = client.describe_scheduled_actions(**where, ResourceId=resource)
        return {
            "targets": _stripped(targets["ScalableTargets"]),
            "policies": _stripped(policies["ScalingPolicies"]),
            "actions": _stripped(actions["ScheduledActions"]),
            "tags": [
                client.list_tags_for_resource(ResourceARN=target["ScalableTargetARN"])["Tags"]
                for target in targets["ScalableTargets"]
            ],
        }

    def _client(self, service: str) -> Any:
        session = BotocoreSession()
        session.register_component("data_loader", MODELS)
        session.set_credentials(ONLOOKER, "secret")
        attach(session, self.account.world)
        return session.create_client(service, region_name=REGION)

    def _key(self, name: str) -> EndpointKey:
        keys = [entry.key for entry in self.account.app.roster.entries()]
        return next(key for key in keys if key.name == name)

    def _state(self, name: str) -> Any:
        entry = self.account.app.roster.get(self._key(name))
        assert entry is not None
        return self.account.app.adapters[entry.key.kind].observe(entry.scope, entry.key)

    def _changes(self, name: str) -> list[Change]:
        return list(self.account.app.store.changes(self._key(name)))[::-1]

    def _last(self, name: str) -> Assessment:
        found = self.account.app.recorder.last(self._key(name))
        assert found is not None, f"{name} was never assessed"
        return found


def _stripped(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what AWS makes anew each time: ARNs, instants, alarms."""
    changing = {"CreationTime", "Alarms"}
    return [
        {k: v for k, v in item.items() if k not in changing and not k.endswith("ARN")}
        for item in items
    ]


def checks(scenario: Scenario) -> list[tuple[str, Callable[[], None]]]:
    """The statements of `then`, by name."""
    out: list[tuple[str, Callable[[], None]]] = []
    for item in scenario.document["then"]:
        ((name, value),) = item.items()
        check = getattr(scenario, f"then_{name}")
        out.append((name, lambda check=check, value=value: check(value)))
    return out
