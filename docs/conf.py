"""The site: its settings. `make docs` builds it; what is our own about it stands in docs/site/."""

import hashlib
import importlib.metadata
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE / "site")]


def code_hash() -> str:
    """A hash of all that a page of the gallery may run: a page is executed again when any of it changes."""
    found = hashlib.sha256()
    for package in ("bounds", "simulate", "verify", "reports", "linrate"):
        for file in sorted((ROOT / package).rglob("*.py")):
            found.update(file.read_bytes())
    return found.hexdigest()[:16]


project = "linrate"
author = "The linrate authors"
version = release = importlib.metadata.version("linrate")
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_design",
    "docstrings",
    "mathml",
    "pages",
]
exclude_patterns = ["_build", "site", "conjectures"]
root_doc = "index"

html_theme = "furo"
html_title = f"linrate {release}"
html_static_path = ["site/static"]
html_css_files = ["linrate.css"]
html_math_renderer = "mathml"
html_show_sphinx = False
html_copy_source = False
highlight_language = "none"
pygments_style = "friendly"
smartquotes = False
pygments_dark_style = "github-dark"

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 4

# Pages run when linrate or they themselves have changed. An error, or a page of minutes, fails the build.
nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / "executed" / code_hash())
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True
nb_render_markdown_format = "myst"
# Kernels read no settings or start-up files of whoever builds, and do not warn of the local port that they listen on.
profile = HERE / "_build" / "ipython" / "profile_default"
profile.mkdir(parents=True, exist_ok=True)
(profile / "ipython_kernel_config.py").write_text("get_config().IPKernelApp.log_level = 40\n")
os.environ["IPYTHONDIR"] = str(profile.parent)

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"
html_show_copyright = False
autosummary_generate = False
