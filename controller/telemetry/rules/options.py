"""How rules are to be written: what a person may choose."""

from dataclasses import dataclass

from controller.telemetry.rules.burn import Burn

MONTH_S = 30 * 86_400.0
"""The period over which budgets are spoken of."""
RUNBOOK = "docs/runbook.md"


@dataclass(frozen=True, slots=True)
class RuleOptions:
    """Choices that hold for all rules of a file."""

    tiers: tuple[Burn, ...] | None = None
    """None: the preset that suits each objective."""
    runbook: str = RUNBOOK
    """Address of the runbook; an alert's link is this, `#` and its name in small letters."""
    dashboard: str | None = None
    """Address of the endpoint dashboard; None: no link."""
    pace: float = 1.0
    """Seconds of the controller's time in one of Prometheus': every window, period and `for`
    is so many times shorter. Anything but 1 is for a sandbox whose time goes faster."""

    def real(self, seconds: float) -> float:
        """The controller's seconds in those of Prometheus."""
        return seconds / self.pace

    def runbook_url(self, alert: str) -> str:
        """Where the alert is explained."""
        return f"{self.runbook}#{alert.lower()}"
