"""Reasons: one closed list shared by logs, conditions, metrics, `explain` and the runbook."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a decision is what it is. Each has a heading of its own in docs/runbook.md."""

    # a size change is wanted
    CHEAPER_SIZE = "CheaperSize"
    SLO_BREACHED = "SloBreached"
    OVER_BUDGET = "OverBudget"
    OUTSIDE_BOUNDS = "OutsideBounds"
    MEMORY_FLOOR = "MemoryFloor"
    REQUESTED = "Requested"
    REQUESTS_THROTTLED = "RequestsThrottled"
    DEMAND_CHANGED = "DemandChanged"
    # the size is right, or nothing better is known
    RIGHT_SIZE = "RightSize"
    SAVING_TOO_SMALL = "SavingTooSmall"
    NOT_CONFIDENT = "NotConfident"
    INFEASIBLE = "Infeasible"
    # the data does not allow a judgement
    NO_DATA = "NoData"
    STALE_DATA = "StaleData"
    TOO_FEW_SAMPLES = "TooFewSamples"
    MEMORY_USE_UNKNOWN = "MemoryUseUnknown"
    PRICE_UNKNOWN = "PriceUnknown"
    METRICS_UNAVAILABLE = "MetricsUnavailable"
    STABILIZING = "Stabilizing"
    # policy or people say no
    MODE_OFF = "ModeOff"
    MODE_OBSERVE = "ModeObserve"
    MODE_RECOMMEND = "ModeRecommend"
    PAUSED = "Paused"
    OUTSIDE_CHANGE_WINDOW = "OutsideChangeWindow"
    COOLDOWN = "Cooldown"
    QUARANTINED = "Quarantined"
    FLEET_LIMIT = "FleetLimit"
    POLICY_CONFLICT = "PolicyConflict"
    # the endpoint is not in a state that may be changed
    CHANGE_IN_PROGRESS = "ChangeInProgress"
    UPDATING = "Updating"
    NOT_FOUND = "NotFound"
    ENDPOINT_FAILED = "EndpointFailed"
    DRIFTED = "Drifted"
    OWNER_CONFLICT = "OwnerConflict"
    UNRELEASED_CODE = "UnreleasedCode"
    FOREIGN_ROUTING = "ForeignRouting"
    PROVISIONED_CONCURRENCY = "ProvisionedConcurrency"
    SPECIAL_ENDPOINT = "SpecialEndpoint"
    FOREIGN_AUTOSCALING = "ForeignAutoscaling"
    NEEDS_PROBE = "NeedsProbe"
    # AWS or the controller itself cannot go on
    ACCESS_DENIED = "AccessDenied"
    THROTTLED = "Throttled"
    UNREACHABLE = "Unreachable"
    CREDENTIALS = "Credentials"
    NO_LEASE = "NoLease"
    STUCK = "Stuck"
    ERROR = "Error"
    # advice, carried out by nobody
    MOVE_SUGGESTED = "MoveSuggested"
    IDLE = "Idle"
    ORPHANED_CONFIGS = "OrphanedConfigs"
    BATCH_LIKE = "BatchLike"
    CONSOLIDATE = "Consolidate"
    # nothing to say
    AS_EXPECTED = "AsExpected"
    # how a change went on
    BAKING = "Baking"
    NOT_WORSE = "NotWorse"
    VERIFIED = "Verified"
    UNVERIFIED = "Unverified"
    MADE_WORSE = "MadeWorse"
    NO_BENEFIT = "NoBenefit"
    FOREIGN_CHANGE = "ForeignChange"
    UPDATE_FAILED = "UpdateFailed"
    ROLLED_BACK = "RolledBack"
