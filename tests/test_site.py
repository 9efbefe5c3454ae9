"""The sources of the site, and the check that `make docs` makes of the built pages. Nothing is built here."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
GALLERY = sorted((DOCS / "gallery").glob("[0-9]*.md"))
PAGES = sorted(
    page for page in DOCS.rglob("*.md") if not {"_build", "site", "conjectures"} & set(page.relative_to(DOCS).parts)
)
TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```", re.MULTILINE | re.DOTALL)
CELL = re.compile(r"^```\{code-cell\}\n(?:---\n.*?\n---\n)?(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def listed(page: Path) -> set[Path]:
    """The pages that the toctrees of a page name; a pattern names all that match."""
    found = set()
    for body in TOCTREE.findall(page.read_text(encoding="utf-8")):
        for name in [line for line in body.splitlines() if line and not line.startswith(":")]:
            found |= set(page.parent.glob(f"{name}.md"))
    return found


def check():
    """The module docs/site/check.py, which belongs to no package."""
    spec = importlib.util.spec_from_file_location("site_check", DOCS / "site" / "check.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_is_in_a_toctree():
    reached, waiting = set(), {DOCS / "index.md"}
    while waiting:
        page = waiting.pop()
        reached.add(page)
        waiting |= listed(page) - reached
    assert sorted(reached) == PAGES
    assert len(GALLERY) >= 12


@pytest.mark.parametrize("page", GALLERY, ids=lambda page: page.stem)
def test_a_page_of_the_gallery_ends_in_its_pair(page):
    """The last cell prints theory and measured, which it has assigned, and nothing is committed of what cells print."""
    text = page.read_text(encoding="utf-8")
    cells = CELL.findall(text)
    assert text.rstrip().endswith("```")
    last = ast.parse(cells[-1])
    names = {node.id for node in ast.walk(last) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    assert {"theory", "measured"} <= names
    shown = ast.unparse(last.body[-1])
    assert shown.startswith("print(f'(theory, measured) = ({theory")
    assert ", {measured" in shown
    assert text.startswith("---\nfile_format: mystnb\n")
    assert len(text.splitlines()) < 120


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_links_between_files_lead_somewhere(page):
    """On a code host too, where relative links are all that there is; and no picture comes from elsewhere."""
    text = page.read_text(encoding="utf-8")
    for address in LINK.findall(text):
        if not address.startswith(("#", "http")):
            assert (page.parent / address.partition("#")[0]).exists(), address
    assert not re.search(r"!\[[^]]*\]\(https?:", text)
    assert not re.search(r"<(?:script|img|iframe|link)\b", text)


def test_headers_of_the_gallery_are_yaml():
    for page in GALLERY:
        header = yaml.safe_load(page.read_text(encoding="utf-8").split("---\n")[1])
        assert header == {"file_format": "mystnb", "kernelspec": {"name": "python3"}}


GOOD = '<html><head><link rel="stylesheet" href="a.css"></head><p>(theory, measured) = (1, 2)  rate</p></html>'


@pytest.fixture
def built(tmp_path):
    """A site with one page of the gallery, in which nothing is wrong."""
    (tmp_path / "gallery").mkdir()
    (tmp_path / "gallery" / "10-page.html").write_text(GOOD)
    (tmp_path / "gallery" / "a.css").write_text("p { background: url(data:image/png;base64,AAAA); }")
    return tmp_path


def test_a_good_site_has_no_faults(built):
    assert check().check(built) == ([], {"10-page": "(1, 2)  rate"})


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ('<script src="https://example.org/mathjax.js"></script>', "loads https://example.org/mathjax.js"),
        ('<img src="//example.org/a.png">', "loads //example.org/a.png"),
        ('<link rel="preload stylesheet" href="http://example.org/font.css">', "loads http://example.org/font.css"),
        ('<p style="background: url(https://example.org/a.png)">', "loads https://example.org/a.png"),
        ('<a href="nowhere.html">', "nowhere.html is missing"),
        ('<div class="output stderr">', "stderr"),
    ],
)
def test_what_is_wrong_with_a_page_is_found(built, fault, message):
    page = built / "gallery" / "10-page.html"
    page.write_text(GOOD.replace("<p>", fault + "<p>", 1))
    [found] = check().check(built)[0]
    assert message in found


def test_a_page_without_its_pair_and_a_font_from_elsewhere_are_found(built):
    (built / "gallery" / "20-more.html").write_text("<html><p>theory and measured</p></html>")
    (built / "gallery" / "a.css").write_text("@import 'https://example.org/font.css';")
    faults, pairs = check().check(built)
    assert len(faults) == 2
    assert set(pairs) == {"10-page"}


def test_a_link_that_a_reader_follows_loads_nothing(built):
    page = built / "gallery" / "10-page.html"
    page.write_text(GOOD.replace("<p>", '<a href="https://arxiv.org/abs/2204.10782">paper</a><p>', 1))
    assert check().check(built)[0] == []


def test_a_folder_without_pages_is_a_fault(tmp_path):
    assert check().check(tmp_path)[0] == [f"{tmp_path} holds no page"]
