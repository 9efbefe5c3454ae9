"""The site: its settings. `make docs` builds it; what is our own about it stands in docs/site/."""

import hashlib
import importlib.metadata
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE / "site")]


def code_hash(*folders: str) -> str:
    """A hash of the Python files in these folders."""
    found = hashlib.sha256()
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*.py")):
            found.update(file.read_bytes())
    return found.hexdigest()[:16]


project = "linrate"
author = "The linrate authors"
version = release = importlib.metadata.version("linrate")
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
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

# Every page is read again when any code has changed, and run again when linrate or its own text has.
PACKAGES = ("bounds", "simulate", "verify", "reports", "linrate")
linrate_code = code_hash(*PACKAGES, "docs/site")
nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / "executed" / code_hash(*PACKAGES))
# An error, or a cell of minutes, fails the build.
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
