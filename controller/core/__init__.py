"""Pure decisions: functions from values to values.

No clock, no I/O, no randomness: instants, prices and limits come in as arguments,
and the same arguments give the same answer for ever.
"""
