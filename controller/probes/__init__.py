"""Probes: the load generator, and the copies of endpoints that it may call.

Everything here touches the world; what is decided about probes is in `controller.core`.
"""
