"""What a rollout looks at: the stage of a change, with the function's parts at hand."""

from dataclasses import dataclass

from controller.core.contract import Stage
from controller.model.change import Change, Verdict
from controller.model.endpoint import LATEST, LambdaLive
from controller.model.policy import Rollout
from controller.model.reason import Reason


@dataclass(frozen=True, slots=True)
class View:
    """What the next step rests on: the stage, with the function's parts at hand."""

    stage: Stage

    @property
    def change(self) -> Change:
        """The change as journalled."""
        return self.stage.change

    @property
    def live(self) -> LambdaLive:
        """The function as AWS shows it now."""
        return self.stage.state.function

    @property
    def alias_is_gone(self) -> bool:
        """Whether traffic is meant to use an alias that the function does not have."""
        return self.live.alias is None and self.stage.state.key.qualifier != LATEST

    @property
    def fingerprint(self) -> str:
        """Hash of everything but memory that the decision was made for."""
        return self.stage.change.progress.get("fingerprint", "")

    @property
    def verdict(self) -> Verdict:
        """On the stage the change is in now."""
        return self.stage.verdict

    @property
    def may_go_on(self) -> Reason | None:
        """Why no further step forward may be taken, if none may."""
        return self.stage.may_go_on

    @property
    def rollout(self) -> Rollout:
        """The policy's rollout rules."""
        return self.stage.rollout

    @property
    def now_s(self) -> float:
        """The tick's time."""
        return self.stage.now_s
