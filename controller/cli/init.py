"""`rightsizer init`: a commented starter policy for a live endpoint."""

from typing import TYPE_CHECKING

import click

from controller.cli.connect import wired
from controller.cli.exits import CommandError
from controller.cli.lazy import Lazy, LazyGroup
from controller.cli.options import Verb
from controller.cli.session import Session, pass_session

if TYPE_CHECKING:
    from controller.model.endpoint import Kind

KINDS = {
    "lambda": Lazy("controller.cli.init:function", "A policy for a Lambda function."),
    "serverless": Lazy(
        "controller.cli.init:serverless", "A policy for a SageMaker serverless endpoint."
    ),
    "realtime": Lazy(
        "controller.cli.init:realtime", "A policy for a SageMaker real-time endpoint."
    ),
}


@click.group(cls=LazyGroup, lazy=KINDS)
def init() -> None:
    """Write a starter policy for a live endpoint."""


@click.command(cls=Verb, name="lambda")
@click.argument("name")
@click.option("--region", metavar="REGION", help="Where it is; by default as for the AWS tools.")
@click.option("--qualifier", metavar="ALIAS", help="The alias that traffic uses, or $LATEST.")
@pass_session
def function(session: Session, *, name: str, region: str | None, qualifier: str | None) -> None:
    """A policy for a Lambda function.

    Looks at the function and two weeks of its metrics, and prints a policy in mode Recommend,
    with every field explained: save it, and set the threshold to what your users need. If the
    function has exactly one alias, the policy is for that.
    """
    from controller.model.endpoint import Kind

    _write(session, Kind.LAMBDA_FUNCTION, name, region, qualifier)


@click.command(cls=Verb, name="serverless")
@click.argument("name")
@click.option("--region", metavar="REGION", help="Where it is; by default as for the AWS tools.")
@click.option("--qualifier", metavar="VARIANT", help="The variant; by default the only one.")
@pass_session
def serverless(session: Session, *, name: str, region: str | None, qualifier: str | None) -> None:
    """A policy for a SageMaker serverless endpoint.

    Looks at the endpoint and two weeks of its metrics, and prints a policy in mode Recommend,
    with every field explained: save it, and set the threshold to what your users need.
    """
    from controller.model.endpoint import Kind

    _write(session, Kind.SERVERLESS_ENDPOINT, name, region, qualifier)


@click.command(cls=Verb, name="realtime")
@click.argument("name")
@click.option("--region", metavar="REGION", help="Where it is; by default as for the AWS tools.")
@click.option("--qualifier", metavar="VARIANT", help="The variant; by default the only one, or "
              "the one with most of the traffic.")  # fmt: skip
@pass_session
def realtime(session: Session, *, name: str, region: str | None, qualifier: str | None) -> None:
    """A policy for a SageMaker real-time endpoint.

    Looks at the endpoint, its autoscaling and two weeks of its metrics, and prints a policy in
    mode Recommend, with every field explained: save it, set the threshold to what your users
    need, and name the instance types that the model's container runs on.
    """
    from controller.model.endpoint import Kind

    _write(session, Kind.REALTIME_ENDPOINT, name, region, qualifier)


def _write(
    session: Session, kind: "Kind", name: str, region: str | None, qualifier: str | None
) -> None:
    """Look at the endpoint and print its policy."""
    from controller.model.policy import FleetLimits, PolicySet, Scope
    from controller.policy import render_starter
    from controller.policy.names import parse_region
    from controller.runtime.introduce import Introducer
    from controller.store.sqlite import SqliteStore

    _check_names(kind, name, qualifier)
    place = region_of(session, region)
    _checked("--region", parse_region, place)
    store = SqliteStore.open(":memory:")
    with wired(session, store, PolicySet((), FleetLimits(), ""), acting=False) as app:
        introducer = Introducer(
            app.sessions, app.identity, app.adapters, app.hands.samples, session.clock
        )
        session.progress(f"looking at {name} in {place}")
        met = introducer.meet(kind, Scope(place), name, qualifier)
    session.write(
        render_starter(
            met.key,
            met.size,
            threshold_ms=met.threshold_ms,
            observed=met.observed,
            threshold_note=met.threshold_note,
        )
    )


def _check_names(kind: "Kind", name: str, qualifier: str | None) -> None:
    from controller.model.endpoint import Kind
    from controller.policy.names import (
        parse_function_name,
        parse_qualifier,
        wrong_endpoint_name,
        wrong_qualifier,
    )

    _checked("NAME", parse_function_name, name)
    wrong = None if kind is Kind.LAMBDA_FUNCTION else wrong_endpoint_name(name, "an endpoint")
    if wrong is not None:
        raise click.UsageError(f"NAME: {'; '.join(wrong)}")
    if qualifier is not None:
        _checked("--qualifier", parse_qualifier, qualifier)
        wrong = wrong_qualifier(qualifier, kind)
        if wrong is not None:
            raise click.UsageError(f"--qualifier: {'; '.join(wrong)}")


def region_of(session: Session, given: str | None) -> str:
    """The region asked for, or the one that the AWS tools would take. Raises CommandError."""
    from controller.aws.aliases import configured_region

    region = given or session.environment.region or configured_region()
    if region is None:
        raise CommandError("no region is set: give --region, or set AWS_REGION")
    return region


def _checked(what: str, parse: "object", value: str) -> None:
    from controller.policy.problems import SpecValueError

    assert callable(parse)
    try:
        parse(value)
    except SpecValueError as error:
        hint = f"; {error.hint}" if error.hint else ""
        raise click.UsageError(f"{what}: {error.message}{hint}") from None
