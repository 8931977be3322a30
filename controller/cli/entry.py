"""The console script. Ctrl-C is harmless from its first line on.

To import the command line takes a tenth of a second, in which Python would answer Ctrl-C with
a traceback; so long the signal ends the process as it ends any other.
"""

import signal


def main() -> int:
    """Returns the exit code."""
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from controller.cli.main import main as run

    if ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return run()
