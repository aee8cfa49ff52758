"""Run an svmtrain command as its console script does, and write down the peak of memory.

    python -m benchmarks.run_svmtrain FILE WITHOUT COMMAND ...

FILE receives the peak in bytes. WITHOUT names a package that is hidden from the process, or is
`nothing`.
"""

from __future__ import annotations

import atexit
import sys
from pathlib import Path

from benchmarks.children import peak_bytes

if __name__ == "__main__":
    file, without, *command = sys.argv[1:]
    if without != "nothing":
        sys.modules[without] = None
    atexit.register(lambda: Path(file).write_text(str(peak_bytes()), encoding="ascii"))
    sys.argv = ["svmtrain", *command]
    from svmtrain.__main__ import run

    run()
