"""Kinds of endpoint, a folder each.

A kind has pure rooms (sizes, prices, response, rollout) and one room that speaks to AWS
(`live`). Adding a kind means adding a folder and one line in the table of `controller.app`.
"""
