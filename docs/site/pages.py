"""Pages that are written for a code host too, adapted for the site: anchors, and links to files above docs/."""

from __future__ import annotations

import re
from typing import Any

ANCHOR = re.compile(r'^<a id="([\w-]+)"></a>\n', re.MULTILINE)
ABOVE = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}


def adapt(app: Any, name: str, source: list[str]) -> None:
    """HTML anchors become targets that the site knows, and links to a file above docs/ lead to its page."""
    text = ANCHOR.sub(r"(\1)=\n", source[0])
    for file, page in ABOVE.items():
        text = text.replace(f"](../{file}", f"]({page}")
    source[0] = text


def setup(app: Any) -> dict[str, Any]:
    app.connect("source-read", adapt)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
