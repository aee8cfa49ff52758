"""`python -m svmtrain` and the console script: a Ctrl-C counts from the first moment on."""

import sys


def run() -> None:
    """Run the command line of this process and exit with its code."""
    try:
        from svmtrain.cli import main

        code = main()
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    run()
