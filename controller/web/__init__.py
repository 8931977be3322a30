"""The one listener: metrics and health now, the read-only page later."""
