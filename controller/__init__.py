"""Rightsizer: keeps every AWS inference endpoint at the cheapest size that meets its SLO."""

__version__ = "0.1.0"
