"""``python -m benchlab.faults`` is the process that makes the faults of a run."""

import sys

from benchlab.faults.main import main

if __name__ == "__main__":
    sys.exit(main())
