"""`rightsizer rules`: recording and alerting rules made from the policies."""

import re
from typing import TYPE_CHECKING

import click

from controller.cli.exits import CommandError, ExitCode
from controller.cli.options import Verb, policies_option
from controller.cli.session import Session, pass_session

if TYPE_CHECKING:
    from controller.model.policy import PolicySet
    from controller.telemetry.rules.burn import Burn
    from controller.telemetry.rules.options import RuleOptions

FORMATS = ("prometheus", "prometheusrule")
RUNBOOK = "docs/runbook.md"
_WINDOW = re.compile(
    r"(?P<tier>[a-z][a-z0-9_]*):(?P<severity>page|ticket|info):(?P<factor>\d+(\.\d+)?)"
    r":(?P<long>\d+(\.\d+)?[smhd])/(?P<short>\d+(\.\d+)?[smhd]):(?P<requests>\d+)"
)
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def _windows(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> "tuple[Burn, ...]":
    from controller.telemetry.rules.burn import Burn, Severity

    found: list[Burn] = []
    for text in values:
        match = _WINDOW.fullmatch(text)
        if match is None:
            message = f"{text!r} is not TIER:SEVERITY:FACTOR:LONG/SHORT:REQUESTS"
            raise click.BadParameter(
                f"{message}, such as fast:page:10:20m/10m:50", context, parameter
            )
        if match["tier"] in {tier.tier for tier in found}:
            raise click.BadParameter(f"there are two tiers {match['tier']!r}", context, parameter)
        found.append(
            Burn(
                tier=match["tier"],
                severity=Severity(match["severity"]),
                factor=float(match["factor"]),
                long_s=_seconds(match["long"]),
                short_s=_seconds(match["short"]),
                min_requests=int(match["requests"]),
            )
        )
    return tuple(found)


def _seconds(text: str) -> float:
    return float(text[:-1]) * _SECONDS[text[-1]]


@click.command(cls=Verb)
@policies_option()
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default=FORMATS[0],
    show_default=True,
    help="A file for Prometheus, or the resource of its Kubernetes operator.",
)
@click.option(
    "--window",
    "windows",
    multiple=True,
    metavar="TIER:SEVERITY:FACTOR:LONG/SHORT:REQUESTS",
    callback=_windows,
    help="A burn-rate alert of your own, such as fast:page:10:20m/10m:50; may be given several"
    " times, and takes the place of all built-in ones.",
)
@click.option(
    "--runbook",
    default=RUNBOOK,
    show_default=True,
    metavar="URL",
    help="Where the runbook can be read; alerts link to their headings in it.",
)
@click.option("--dashboard", metavar="URL", help="Where the endpoint dashboard is, for links.")
@click.option("--name", default="rightsizer", show_default=True, help="Of the resource.")
@click.option(
    "--pace",
    type=click.FloatRange(1.0, 3600.0),
    default=1.0,
    show_default=True,
    help="Of the sandbox that the metrics come from, where there is one: all windows are so many"
    " times shorter.",
)
@click.option("--explain", is_flag=True, help="When each SLO alert fires, instead of the rules.")
@pass_session
def rules(
    session: Session,
    *,
    policies: tuple[str, ...],
    form: str,
    windows: "tuple[Burn, ...]",
    runbook: str,
    dashboard: str | None,
    name: str,
    pace: float,
    explain: bool,
) -> None:
    """Print Prometheus rules made from policies.

    Recording rules for what burn-rate alerts need; alerts on each policy's SLO, with windows
    and factors that suit its objective; and alerts about the controller itself. Prints the
    same for the same policies, so that the file can be kept under version control. Makes no
    call to AWS.
    """
    from controller.policy import load
    from controller.telemetry.rules.burn import NeverFires
    from controller.telemetry.rules.document import Format, text
    from controller.telemetry.rules.options import RuleOptions

    loaded = load(policies, session.stdin)
    options = RuleOptions(windows or None, runbook, dashboard, pace)
    try:
        shown = text(loaded, options, Format(form), name)
        session.write(_table(loaded, options) if explain else shown)
    except NeverFires as never:
        raise CommandError(str(never), ExitCode.INVALID) from never


def _table(policies: "PolicySet", options: "RuleOptions") -> str:
    from controller.telemetry.rules.explain import table

    return table(policies, options)
