"""The loop: what is due, one tick of one endpoint, and the daemon that never stops doing it.

`reconcile` reads as the seven steps of a tick. `engine` is the loop without a loop; the
`daemon` drives it with threads, the `stepper` with a clock that it moves itself.
"""
