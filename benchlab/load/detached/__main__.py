"""``python -m benchlab.load.detached`` is the supervisor of a run that nobody waits for."""

import os
import sys

if __name__ == "__main__":
    if os.fork():  # whoever ends the caller with all of its children must not find this one
        os._exit(0)

    from benchlab.load.detached.process import main

    sys.exit(main())
