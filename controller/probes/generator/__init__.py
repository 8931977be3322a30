"""The generator: a program of its own, which runs Locust under one order.

It is started as `python -m controller.probes.generator FOLDER`, reads `order.json` there, and
leaves `result.json`. As `python -m controller.probes.generator worker HOST [PORT]` it is one
worker of Locust's distributed mode, for more load than one process gives.
"""
