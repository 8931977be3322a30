"""The words at the head of every document."""

API_VERSION = "rightsizer.dev/v1alpha1"
POLICY = "RightsizingPolicy"
DEFAULTS = "PolicyDefaults"
LIMITS = "FleetLimits"
