"""What of the package's metadata depends on where it is built: its addresses, and its README.

The index shows the README without the repository around it, so that links and pictures need whole
addresses. GitHub names the repository to whatever it builds; elsewhere the README is as it is, and
the package has no addresses.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(!?)\[((?:[^\[\]]|!\[[^\]]*\]\([^)]*\))*)\]\((?!https?://|#)([^)\s]+)\)")


class AddressHook(MetadataHookInterface):
    """Fill in ``readme`` and ``urls``."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Called with the ``[project]`` table, in which the version is known."""
        text = (Path(self.root) / "README.md").read_text()
        server, name = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_REPOSITORY")
        if server and name:
            repository = f"{server}/{name}"
            version = f"v{metadata['version']}"
            text = _LINK.sub(lambda link: _whole(link, repository, version), text)
            owner, _, project = name.partition("/")
            metadata["urls"] = {
                "Documentation": f"https://{owner}.github.io/{project}/",
                "Repository": repository,
                "Issues": f"{repository}/issues",
                "Changelog": f"{repository}/blob/{version}/CHANGELOG.md",
            }
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def _whole(link: re.Match[str], repository: str, version: str) -> str:
    kind = "raw" if link[1] else "blob"
    return f"{link[1]}[{link[2]}]({repository}/{kind}/{version}/{link[3]})"
