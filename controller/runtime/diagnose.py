"""Is everything there that the controller needs of AWS? Asked by calls that change nothing.

One list of findings per place: who we are, whether the clocks agree, one harmless call for
every permission, and how old the prices are. A finding that is not well says what to do.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from controller.aws.errors import translated
from controller.aws.price_shelves import HOSTING, SERVERLESS
from controller.aws.prices import PriceListSource
from controller.aws.sessions import Sessions
from controller.core.sentence import counted
from controller.model.endpoint import Kind
from controller.model.errors import (
    AccessDenied,
    AdapterError,
    Conflict,
    NotFound,
    Terminal,
    Unauthenticated,
    Unreachable,
)
from controller.model.missing import Maybe, Missing
from controller.model.price import HostingPrices, LambdaPrices, ServerlessPrices
from controller.ports import Clock, Identity
from controller.runtime.harmless import HarmlessCalls
from controller.runtime.harmless_endpoints import (
    FirstEndpoint,
    HarmlessEndpointCalls,
    PlaceCalls,
    SubjectEndpoint,
)
from controller.runtime.subjects import SAGEMAKER, Subject

AnyPrices = LambdaPrices | HostingPrices | ServerlessPrices
SKEW_WARN_S = 30.0
SKEW_FAIL_S = 240.0
"""AWS refuses signatures that are five minutes off."""
PRICE_AGE_WARN_S = 7 * 86_400.0
_OF_ENDPOINTS = ("sagemaker:", "application-autoscaling:", "s3:")


class Verdict(StrEnum):
    """How a check went."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    check: str
    where: str
    verdict: Verdict
    message: str


class Doctor:
    """Examines places. Raises nothing: what goes wrong is a finding."""

    def __init__(
        self,
        sessions: Sessions,
        identity: Identity,
        prices: PriceListSource,
        clock: Clock,
        *,
        try_changes: bool = False,
    ) -> None:
        """`try_changes`: also make the calls of mode Enforce, in a way that AWS refuses."""
        self._sessions = sessions
        self._identity = identity
        self._prices = prices
        self._clock = clock
        self._try_changes = try_changes

    def examine(self, subject: Subject) -> Iterator[Finding]:
        """All checks of one place; the first that fails hopelessly ends them."""
        try:
            yield from self._credentials(subject)
        except AdapterError as error:
            kinds = {Unreachable: "reachability", Unauthenticated: "credentials"}
            yield _finding(subject, kinds.get(type(error), "account"), error)
            return
        if Kind.LAMBDA_FUNCTION in subject.kinds:
            yield from self._functions(subject)
        if not subject.kinds.isdisjoint(SAGEMAKER):
            yield from self._endpoints(subject)
        yield self._call(subject, "tag:GetResources", lambda: self._tags(subject))
        for kind in Kind:
            if kind in subject.kinds:
                yield self._price(subject, kind)

    def _functions(self, subject: Subject) -> Iterator[Finding]:
        function = subject.function or (yield from self._listed(subject))
        if function is None:
            text = "there is no function to try the other calls on"
            yield Finding("functions", subject.where, Verdict.WARN, text)
        else:
            yield from self._of_function(subject, function)

    def _endpoints(self, subject: Subject) -> Iterator[Finding]:
        """Of every kind that is named; where none is, of the first endpoint that is found."""
        found: list[SubjectEndpoint] = list(subject.endpoints)
        if subject.selects or not found:
            listed = FirstEndpoint(self._sessions, subject.scope)
            yield self._call(subject, "sagemaker:ListEndpoints", listed.call)
            found += [] if found or listed.found is None else [listed.found]
        if not found:
            yield from self._without_endpoint(subject)
        for endpoint in found:
            calls = HarmlessEndpointCalls(self._sessions, self._clock, subject.scope, endpoint)
            for action, call in calls.reads():
                yield self._call(subject, action, call)
            if self._try_changes:
                for action, call in calls.changes():
                    yield self._unfound(subject, action, call)

    def _without_endpoint(self, subject: Subject) -> Iterator[Finding]:
        for action, call in PlaceCalls(self._sessions, subject.scope).reads():
            yield self._call(subject, action, call)
        text = "there is no endpoint to try the other calls on"
        verdict = Verdict.OK if subject.guessed else Verdict.WARN
        yield Finding("endpoints", subject.where, verdict, text)

    def _credentials(self, subject: Subject) -> Iterator[Finding]:
        scope = subject.scope
        with translated("sts", "GetCallerIdentity", scope):
            answer: Any = self._sessions.sts(scope).get_caller_identity()
        account = self._identity.account(scope)
        who = f"account {account} as {answer['Arn']}"
        yield Finding("credentials", subject.where, Verdict.OK, who)
        yield self._skew(subject, answer["ResponseMetadata"]["HTTPHeaders"].get("date", ""))

    def _skew(self, subject: Subject, date: str) -> Finding:
        try:
            theirs_s = parsedate_to_datetime(date).timestamp()
        except (TypeError, ValueError):
            text = "the answer carries no date to compare with"
            return Finding("clock", subject.where, Verdict.WARN, text)
        skew_s = self._clock.now_s() - theirs_s
        ahead = "ahead of" if skew_s >= 0.0 else "behind"
        size_s = abs(skew_s)
        text = f"{size_s:.0f} s {ahead} AWS"
        if size_s < SKEW_WARN_S:
            return Finding("clock", subject.where, Verdict.OK, text)
        verdict = Verdict.FAIL if size_s >= SKEW_FAIL_S else Verdict.WARN
        return Finding("clock", subject.where, verdict, f"{text}: set this machine's clock (NTP)")

    def _listed(self, subject: Subject) -> Generator[Finding, None, str | None]:
        """`lambda:ListFunctions`; returns the name of a function, if there is one."""
        names: list[str] = []

        def call() -> str:
            with translated("lambda", "ListFunctions", subject.scope):
                client = self._sessions.lambda_reads(subject.scope)
                page = client.list_functions(MaxItems=50)
            names.extend(function["FunctionName"] for function in page["Functions"])
            return f"{counted(len(names), 'function')} on the first page"

        yield self._call(subject, "lambda:ListFunctions", call)
        return names[0] if names else None

    def _of_function(self, subject: Subject, function: str) -> Iterator[Finding]:
        if subject.function is not None and subject.selects:
            yield from self._listed(subject)
        calls = HarmlessCalls(
            self._sessions, self._clock, subject.scope, function, subject.qualifier
        )
        for action, call in calls.reads():
            yield self._call(subject, action, call)
        if self._try_changes:
            for action, call in calls.changes():
                yield self._refused(subject, action, call)

    def _tags(self, subject: Subject) -> str:
        functions = Kind.LAMBDA_FUNCTION in subject.kinds
        with translated("resourcegroupstaggingapi", "GetResources", subject.scope):
            self._sessions.tagging(subject.scope).get_resources(
                ResourceTypeFilters=["lambda:function" if functions else "sagemaker:endpoint"],
                ResourcesPerPage=1,
            )
        return "allowed"

    def _call(self, subject: Subject, action: str, call: Callable[[], str]) -> Finding:
        try:
            return Finding(action, subject.where, Verdict.OK, call())
        except AdapterError as error:
            return _finding(subject, action, error)

    def _refused(self, subject: Subject, action: str, call: Callable[[], str]) -> Finding:
        """A changing call: well where AWS refuses it for its revision and not for who asks."""
        try:
            call()
        except Conflict:
            text = "allowed (tried with a revision that nothing has)"
            return Finding(action, subject.where, Verdict.OK, text)
        except AdapterError as error:
            return _finding(subject, action, error)
        text = "AWS took a revision that nothing has: please report this"
        return Finding(action, subject.where, Verdict.WARN, text)

    def _unfound(self, subject: Subject, action: str, call: Callable[[], str]) -> Finding:
        """A changing call of what does not exist: well where AWS says so."""
        try:
            call()
        except (NotFound, Conflict, Terminal):
            text = "allowed (tried on what does not exist)"
            return Finding(action, subject.where, Verdict.OK, text)
        except AdapterError as error:
            return _finding(subject, action, error)
        text = "allowed (nothing was there to be changed)"
        return Finding(action, subject.where, Verdict.OK, text)

    def _price(self, subject: Subject, kind: Kind) -> Finding:
        region = subject.scope.region
        if kind is Kind.LAMBDA_FUNCTION:
            check, what = "prices", "x86_64"
            prices: Maybe[AnyPrices] = self._prices.lambda_prices(region, what)
        elif kind is Kind.SERVERLESS_ENDPOINT:
            check, what = "prices of serverless", SERVERLESS
            prices = self._prices.serverless_prices(region)
        else:
            check, what = "prices of instances", HOSTING
            prices = self._prices.hosting_prices(region)
        if isinstance(prices, Missing):
            unasked = subject.guessed and kind is not Kind.LAMBDA_FUNCTION
            return Finding(
                check, subject.where, Verdict.WARN if unasked else Verdict.FAIL, prices.reason
            )
        age_s = self._clock.now_s() - prices.as_of_s
        text = f"from the {prices.source}, {age_s / 86_400.0:.0f} days old"
        why = self._prices.failure(what, region)
        if why is not None:
            return Finding(check, subject.where, Verdict.WARN, f"{text}: {why}")
        verdict = Verdict.WARN if age_s > PRICE_AGE_WARN_S else Verdict.OK
        return Finding(check, subject.where, verdict, text)


def _finding(subject: Subject, check: str, error: AdapterError) -> Finding:
    """What an error means: some things the controller can do without, more carefully."""
    unasked = subject.guessed and check.startswith(_OF_ENDPOINTS)
    softer = check.startswith("logs:") or (check.startswith("tag:") and not subject.selects)
    softer = softer or unasked
    verdict = Verdict.WARN if softer else Verdict.FAIL
    text = str(error).rstrip(".")
    if check.startswith("logs:"):
        absent = isinstance(error, NotFound)
        text += "; without it memory in use is unknown, and memory is never taken away"
        text += " (a function logs from its first call on)" if absent else ""
    if softer and check.startswith("tag:"):
        text += "; needed only by policies that select"
    if unasked:
        text += "; needed only for endpoints of SageMaker"
    if isinstance(error, AccessDenied):
        text += " (see `rightsizer iam-policy`)"
    return Finding(check, subject.where, verdict, text)
