"""What a rollout looks at: the stage of a change, with the variant's parts at hand.

Progress of a change (all text):

    config, fingerprint        what was live when it was decided, and what it runs
    kept                       the autoscaling to put back, as JSON
    count_before               instances asked for when it began
    config_target, count       of a type change: the new config, and its instances
    alarms                     names of the alarms on the new fleet, divided by blanks
    made:NAME, alarm:NAME      the configs and the alarms that AWS confirmed
    detached                   the variant is (about to be) out of autoscaling, through us
    tries:NAME, try_since_s    deployments of a config begun, and when the last one was
    accepted                   the config whose deployment AWS accepted last
    full_since_s               since when all requests use the target
    arrived_s                  since when the instances wanted are there, and judging may begin
    steady, steady_since_s     the number of instances wanted, and since when
    restored                   autoscaling is as the target wants it: it is the user's again
    bounds                     the bounds that we registered last
    counted                    the number of instances that we asked for last
    count_of_config            what the config of before says of its instances
    back_config, back_count    where a type change goes back to, and whether (back_keep) the
                               number of instances that runs then is carried over
    cause                      why it is undone
    source                     what the config of before was copied from, if it is ours
    gone:NAME                  alarms and configs of ours that are cleaned up, or left for good
"""

from dataclasses import dataclass

from controller.core.contract import Stage
from controller.kinds.realtime_endpoint import restore, snapshot
from controller.kinds.realtime_endpoint.restore import Way
from controller.model.change import Change, Verdict
from controller.model.endpoint import Phase
from controller.model.policy import Rollout
from controller.model.reason import Reason
from controller.model.sagemaker import Autoscaling, RealtimeLive
from controller.model.size import RealtimeSize, Size


@dataclass(frozen=True, slots=True)
class View:
    """What the next step rests on."""

    stage: Stage

    # --- the stage

    @property
    def change(self) -> Change:
        """The change as journalled."""
        return self.stage.change

    @property
    def live(self) -> RealtimeLive:
        """The variant as AWS shows it now."""
        return self.stage.state.realtime

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

    # --- what AWS shows

    @property
    def config(self) -> str:
        """Name of the live config."""
        return self.live.endpoint.config.name

    @property
    def busy(self) -> bool:
        """Whether AWS is at work on the endpoint: deploying, scaling, or its own maintenance."""
        return self.stage.state.phase in {Phase.UPDATING, Phase.ROLLING_BACK}

    @property
    def broken(self) -> bool:
        """Whether the endpoint is in a state that AWS does not leave by itself."""
        return self.stage.state.phase is Phase.FAILED

    @property
    def variant(self) -> str:
        """Name of the variant."""
        return self.stage.state.key.qualifier

    # --- what the change wants and remembers

    @property
    def before(self) -> RealtimeSize:
        """The size before."""
        return _realtime(self.change.before)

    @property
    def target(self) -> RealtimeSize:
        """The size wanted."""
        return _realtime(self.change.target)

    @property
    def retyped(self) -> bool:
        """Whether the instance type changes: only a deployment can do that."""
        return self.before.instance_type != self.target.instance_type

    def told(self, key: str) -> str:
        """What the change remembers under a key; empty where nothing."""
        return self.change.progress.get(key, "")

    @property
    def kept(self) -> Autoscaling:
        """The user's autoscaling as it was."""
        return snapshot.from_text(self.change.progress["kept"])

    @property
    def goal(self) -> Autoscaling:
        """The autoscaling that the target wants."""
        return restore.wanted(self.kept, self.before, self.target)

    @property
    def removed(self) -> bool:
        """Whether the variant is out of autoscaling through us."""
        return bool(self.told("detached"))

    def way(self, *, back: bool) -> Way:
        """From what was to what is wanted, or back."""
        ends = (self.goal, self.kept) if back else (self.kept, self.goal)
        return Way(self.variant, *ends, self.removed, self.now_s, self.told("bounds"))


def _realtime(size: Size) -> RealtimeSize:
    if not isinstance(size, RealtimeSize):
        raise TypeError(f"{size} is no size of a real-time endpoint")
    return size
