"""IAM, as far as it decides calls: policy documents that the sandbox enforces.

`document` reads and evaluates a document; `accesses` says which actions on which resources an
operation asks for; `guard` decides, and remembers which statements were ever of use.
"""
