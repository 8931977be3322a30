"""What every kind of endpoint shares of AWS: sessions, reads, prices, errors, budgets.

Everything here speaks to AWS through boto3 clients that `sessions.Sessions` hands out, and
lets no exception out but those of `controller.model.errors`.
"""
