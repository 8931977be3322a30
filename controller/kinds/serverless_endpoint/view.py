"""What a rollout looks at: the stage of a change, with the endpoint's parts at hand.

Progress of a change (all text):

    config, fingerprint        what was live when it was decided, and what it runs
    source                     the config that this one was copied from, where we made it
    config_target              the config of the new memory
    created_config             … once AWS confirmed it
    deploying                  the config whose deployment was begun last
    deploy_since_s             when that was
    modified_before            AWS's time of the last modification before it
    deployed_config            the config whose deployment AWS accepted last
    full_since_s               since when all requests use the target
    cause, back_since_s        why it is undone, and since when
    back_config                a copy of the config of before, where that one is gone
    deleted_config, kept_config  what became of the last config that nobody needed any more
    gone:NAME                  each of them: not to be asked for again
"""

from dataclasses import dataclass

from controller.core.contract import Stage
from controller.model.change import Change, Verdict
from controller.model.endpoint import Phase
from controller.model.policy import Rollout
from controller.model.reason import Reason
from controller.model.sagemaker import Endpoint, ServerlessLive
from controller.model.size import ServerlessSize, Size


@dataclass(frozen=True, slots=True)
class View:
    """What the next step rests on."""

    stage: Stage

    @property
    def change(self) -> Change:
        """The change as journalled."""
        return self.stage.change

    @property
    def live(self) -> ServerlessLive:
        """The endpoint as AWS shows it now."""
        return self.stage.state.serverless

    @property
    def endpoint(self) -> Endpoint:
        """What both SageMaker kinds share of it."""
        return self.live.endpoint

    @property
    def config(self) -> str:
        """Name of the live config."""
        return self.endpoint.config.name

    @property
    def busy(self) -> bool:
        """Whether AWS is at work on the endpoint."""
        return self.stage.state.phase in {Phase.UPDATING, Phase.ROLLING_BACK}

    @property
    def broken(self) -> bool:
        """Whether AWS has given the endpoint up: only a person can help."""
        return self.stage.state.phase is Phase.FAILED

    @property
    def before(self) -> ServerlessSize:
        """The size that the change leaves."""
        return _serverless(self.change.before)

    @property
    def target(self) -> ServerlessSize:
        """The size that it aims at."""
        return _serverless(self.change.target)

    @property
    def size(self) -> ServerlessSize:
        """The live size."""
        return _serverless(self.stage.state.size)

    @property
    def in_place(self) -> bool:
        """Whether the change needs no new config: AWS moves concurrency limits by themselves.

        Of provisioned concurrency it updates the amount so, from 1 on (API reference,
        ServerlessUpdateConfig): none of it, before or after, is said by a config.
        """
        before, target = self.before, self.target
        same_memory = before.memory_mb == target.memory_mb
        warm = (before.provisioned_concurrency, target.provisioned_concurrency)
        return same_memory and (warm[0] == warm[1] or min(warm) > 0)

    @property
    def judged(self) -> bool:
        """Whether requests feel the change: a limit alone is proven by the live value."""
        before, target = self.before, self.target
        same_warm = before.provisioned_concurrency == target.provisioned_concurrency
        return not self.in_place or not same_warm

    def told(self, key: str) -> str:
        """What the change remembers; empty where it does not."""
        return self.change.progress.get(key, "")

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


def _serverless(size: Size) -> ServerlessSize:
    if not isinstance(size, ServerlessSize):
        raise TypeError(f"{size} is no size of a serverless endpoint")
    return size
