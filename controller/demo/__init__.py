"""The demo: the real controller at work on an embedded AWS, three days in half a minute.

`stage` puts everything up and takes it down again, `play` lets time pass and tells an
audience what is looked at, decided and changed, `ledger` compares the end with the start and
the controller's figures with the world's truth, `documents` gives all that as JSON.

The truth is asked for when the play is over, and never by the controller.
"""
