"""What the controller must be allowed to do in AWS, derived from policies. Pure.

`needs` says it for one identity as grants, each with its reason; `documents` makes IAM's JSON
of them; `trust` says who may assume a role.
"""
