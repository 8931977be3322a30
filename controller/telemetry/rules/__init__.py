"""Prometheus rules from policies: recordings, SLO alerts, and the controller's own alerts."""
