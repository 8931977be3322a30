"""`probe:` of a policy as it may be written: payloads, ramps, limits and money."""

from controller.policy import fields, probe_fields
from controller.policy.strict import Strict


class ExpectSpec(Strict):
    """What a good answer looks like; all that is said must hold."""

    status: probe_fields.Status | None = None
    """HTTP status. Without it: any of 200 to 299."""
    contains: probe_fields.Text | None = None
    """Text that the answer must contain."""
    matches: probe_fields.Pattern | None = None
    """Regular expression (Python's) that must be found in the answer."""
    json_has: list[probe_fields.JsonPath] | None = None
    """Names that the answer, a JSON object, must have; dots lead into objects."""


class PayloadSpec(Strict):
    """One payload: `inline`, `file` or `s3`."""

    inline: probe_fields.Text | None = None
    """The payload itself."""
    file: probe_fields.FilePath | None = None
    """A file, relative to the policy's own file. A tar archive (`.tar`, `.tar.gz`, `.tgz`) is one
    payload for each file in it."""
    s3: probe_fields.S3Url | None = None
    """An object in S3, read with the target's role; archives as for `file`."""
    weight: probe_fields.Weight | None = None
    """Share of the requests, against the other payloads' weights. Without it: 1."""
    content_type: probe_fields.MediaType | None = None
    """Content-Type of the request. Without it: application/json."""
    accept: probe_fields.MediaType | None = None
    """SageMaker: Accept of the request."""
    target_model: probe_fields.TargetModel | None = None
    """Real-time, multi-model endpoints: the model to ask."""
    expect: ExpectSpec | None = None


class PhaseSpec(Strict):
    """A stretch of a ramp."""

    rate: probe_fields.Rate
    """Requests a second, minute or hour at its begin."""
    to: probe_fields.Rate | None = None
    """The same at its end. Without it: the rate does not change."""
    duration: probe_fields.PhaseLength
    """How long it lasts."""


class StairsSpec(Strict):
    """A ramp of equal steps: the rate rises by as much with each of them."""

    steps: probe_fields.Steps
    """How many."""
    rate_per_step: probe_fields.Rate
    """The first step's rate, and what each further one adds."""
    duration: probe_fields.PhaseLength
    """Of one step."""


class LiveProbeSpec(Strict):
    """A small regular sample of the live endpoint, as a client would call it."""

    every: probe_fields.Every | None = None
    """Time between two samples, at least 1m; `never` lifts a default. Without `live` there are
    none."""
    requests: probe_fields.LiveRequests | None = None
    """Requests of one sample, at most 1000."""
    rate: probe_fields.Rate | None = None
    """How fast they follow each other, on average."""


class ShadowProbeSpec(Strict):
    """Probes of another size, on a copy made for it and removed afterwards."""

    allowed: fields.Flag | None = None
    """Whether copies may be made. They run the endpoint's code, with its role and environment."""
    mirrored: fields.Flag | None = None
    """Real-time: whether AWS's own shadow variant may be used, fed with copies of users' requests.
    It needs no payloads, and two deployments of the live endpoint; its code runs on real requests
    once more."""
    phases: list[PhaseSpec] | None = None
    """Load, one phase after the other. Without phases or stairs: the demand seen."""
    stairs: StairsSpec | None = None
    """Load that rises in equal steps, instead of phases."""


class StopSpec(Strict):
    """When a probe ends itself early."""

    p95: probe_fields.StopLatency | None = None
    """When p95 of the last 100 requests is above it; `never` lifts a default. Live probes and
    copies of instances end at three times the SLO's threshold where nothing else is said."""
    error_rate: probe_fields.StopErrors | None = None
    """When more than this share of the last 100 requests failed; `never` lifts the default."""
    max_invocations: fields.Limit | None = None
    """After so many requests."""
    flat_throughput: fields.Flag | None = None
    """When more load no longer brings more answers."""


class ProbeBudgetSpec(Strict):
    """What probes may cost; dearer ones are refused before they start."""

    per_probe: probe_fields.Money | None = None
    """US dollars for one probe, its copy included, or `unlimited`."""
    per_day: probe_fields.Money | None = None
    """US dollars for all probes of the endpoint within 24 hours, or `unlimited`."""


class ProbeSpec(Strict):
    """Requests of our own, where traffic does not show what must be known. Without `probe`, none
    are ever sent."""

    payloads: list[PayloadSpec] | None = None
    """What to send. Required, here or in the defaults, but where requests are only mirrored."""
    live: LiveProbeSpec | None = None
    shadow: ShadowProbeSpec | None = None
    warm_up: probe_fields.WarmUp | None = None
    """Requests sent first, one after the other, and judged apart."""
    max_concurrency: probe_fields.InFlight | None = None
    """Most requests in flight at one time; what is due beyond that is not sent. `auto`: 8; of a
    copy of an instance as many as its load needs until `stop.p95` ends the probe."""
    spare_share: probe_fields.SpareShare | None = None
    """Largest part of the live endpoint's spare capacity that live probes may take."""
    stop: StopSpec | None = None
    budget: ProbeBudgetSpec | None = None
    time_limit: probe_fields.TimeLimit | None = None
    """After it a probe is killed, at most 1h."""
    locustfile: probe_fields.FilePath | None = None
    """Your own locustfile instead of the one shipped, relative to the policy's file. It runs with
    the program's credentials."""
