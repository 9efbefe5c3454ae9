"""Is the built site whole: `python docs/site/check.py docs/_build/html`, called by `make docs`.

Nothing on a page is loaded from another host, every file that a page names is there, each page of the gallery ended in
its pair (which is printed), and no output of a page went to stderr, as warnings do.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

PAIR = re.compile(r"\(theory, measured\) = \((.+?), (.+?)\)\s*(.*)")
# Attributes by which a browser loads something without being asked; a link that a reader follows is none of them.
LOADS = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
FROM_CSS = re.compile(r"(?:url\(|@import)\s*[\"']?([^\"')\s;]+)")
NOT_LOADED = {"canonical", "next", "prev", "search", "index", "author"}  # values of rel of <link>


class Page(HTMLParser):
    """What a page loads, the pages it leads to, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.text: list[str] = []
        self.stderr = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.ids.add(given.get("id", ""))
        if "stderr" in given.get("class", "").split():
            self.stderr = True
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and NOT_LOADED & set(given.get("rel", "").split()):
            self.links.append(given.get("href", ""))
            return
        self.loads += [given[name] for name in LOADS.get(tag, ()) if name in given]
        self.loads += FROM_CSS.findall(given.get("style", ""))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def elsewhere(address: str) -> bool:
    """Whether it is fetched from another host; "data:" carries its content with it."""
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in ("", "data")


def page_faults(file: Path, page: Page) -> list[str]:
    """What is wrong with a page by itself."""
    found = [f"loads {address}" for address in page.loads if elsewhere(address)]
    for address in [*page.loads, *page.links]:
        parts = urlsplit(address)
        here = bool(parts.path) and not parts.scheme and not parts.netloc
        if here and not (file.parent / unquote(parts.path)).exists():
            found.append(f"{address} is missing")
    if page.stderr:
        found.append("an output went to stderr")
    return found


def pair(page: Page) -> re.Match[str] | None:
    """The last pair on a page."""
    pairs = list(PAIR.finditer("".join(page.text)))
    return pairs[-1] if pairs else None


def check(folder: Path) -> tuple[list[str], dict[str, str]]:
    """(faults, page -> pair) of a built site."""
    pages = {file: Page(file.read_text(encoding="utf-8")) for file in sorted(folder.rglob("*.html"))}
    faults = [f"{file.relative_to(folder)}: {text}" for file, page in pages.items() for text in page_faults(file, page)]
    for sheet in folder.rglob("*.css"):
        for address in FROM_CSS.findall(sheet.read_text(encoding="utf-8")):
            if elsewhere(address):
                faults.append(f"{sheet.relative_to(folder)}: loads {address}")
    pairs = {}
    for file, page in pages.items():
        if file.parent.name == "gallery" and file.name[0].isdigit():
            match = pair(page)
            if match is None:
                faults.append(f"{file.relative_to(folder)}: no line '(theory, measured) = (..., ...)'")
            else:
                pairs[file.stem] = f"({match[1]}, {match[2]})  {match[3]}"
    if not pages:
        faults.append(f"{folder} holds no page")
    return faults, pairs


def main() -> int:
    faults, pairs = check(Path(sys.argv[1]))
    for name, text in pairs.items():
        print(f"  {name:30} {text}")
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
