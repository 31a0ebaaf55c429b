"""``python -m benchlab.load.worker`` is a worker process."""

import gc
import sys

gc.set_threshold(100_000, 50, 100)  # before the modules are loaded: none of them is garbage
# httpx imports its command line where click, Pygments and rich are installed: half of its time.
sys.modules["httpx._main"] = None  # type: ignore[assignment]

from benchlab.load.worker.process import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
