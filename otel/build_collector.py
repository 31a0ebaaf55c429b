"""Build the Collector that builder.yaml describes, once, and print where it is.

It lies in the user's cache under a hash of the manifest: one that was built is only printed, and a
changed manifest is another Collector. Standard output holds the path alone. Needs Go, and nothing
of Python but its standard library.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MANIFEST = Path(__file__).resolve().with_name("builder.yaml")
BUILDER = "go.opentelemetry.io/collector/cmd/builder"


def program() -> Path:
    """Where the Collector of this manifest is, or will be."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(MANIFEST.read_bytes()).hexdigest()[:16]
    return cache / "benchlab" / "collector" / digest / _setting("name")


def build(target: Path) -> None:
    """Build it there. Of builds at the same time the last wins; they are alike."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="build-", dir=target.parent) as work:
        # The manifest's output path is relative to the directory that the builder runs in.
        output = Path(work) / _setting("output_path")
        command = ["go", "run", f"{BUILDER}@v{_setting('version')}", "--config", str(MANIFEST)]
        subprocess.run(command, cwd=work, stdout=sys.stderr, check=True)
        (output / target.name).replace(target)


def _setting(name: str) -> str:
    found = re.search(rf"^  {name}: *(\S+)$", MANIFEST.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        sys.exit(f"{MANIFEST}: the distribution has no {name}")
    return found[1]


def main() -> None:
    """Print the path of the Collector, which is built if need be."""
    target = program()
    if not target.exists():
        if shutil.which("go") is None:
            sys.exit(
                "the Collector is built from Go modules, and Go is missing: install Go (go.dev)"
            )
        print(f"building {target}, which takes some minutes", file=sys.stderr)
        try:
            build(target)
        except subprocess.CalledProcessError as exc:
            sys.exit(f"the Collector was not built: {' '.join(exc.cmd[:3])} failed, see above")
    print(target)


if __name__ == "__main__":
    main()
