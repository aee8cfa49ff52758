"""`python -m svmtrain` is the command `svmtrain`."""

import sys

from svmtrain.cli import main

if __name__ == "__main__":
    sys.exit(main())
