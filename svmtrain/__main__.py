"""`python -m svmtrain` and the console script: a Ctrl-C counts from the first moment on."""

import os
import signal
import sys


def run() -> None:
    """Run the command line of this process and exit with its code."""
    signal.signal(signal.SIGUSR1, lambda *_: os._exit(75))  # nothing is begun: run it again
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)  # nothing is there to save
    try:
        from svmtrain.cli import main

        code = main()
    except KeyboardInterrupt:
        code = 130
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # the code is settled: it is not 75 any more
    sys.exit(code)


if __name__ == "__main__":
    run()
