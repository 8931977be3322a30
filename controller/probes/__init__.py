"""Probes: the load generator as a process of its own, what it is told, and what it brings back.

Nothing in this package but `generator/` imports Locust or gevent, and nothing imports
`generator/`: it is started as a program.
"""
