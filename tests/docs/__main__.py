"""Write the generated parts of the documentation: ``python -m tests.docs``.

With ``--check`` it changes nothing, and fails where it would.
"""

from __future__ import annotations

import sys

from tests.docs.generated import GENERATED, generate
from tests.docs.pages import page_id

stale = [part for part in GENERATED if generate(*part) != part[0].read_text()]
if "--check" in sys.argv:
    sys.exit("\n".join(f"{page_id(page)} is out of date" for page, _ in stale) or None)
for page, name in stale:
    page.write_text(generate(page, name))
