"""Formulas as MathML, made from LaTeX when the site is built: browsers show it by themselves, without a script."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.util import logging

log = logging.getLogger(__name__)


def converted(latex: str, display: bool, node: nodes.Node) -> str:
    """The formula as a <math> element; LaTeX that is not understood is a warning, which fails the build."""
    try:
        return LatexToMathML(fancy_error=False).convert_with_local_state(latex, displaystyle=display)
    except LatexError as error:
        log.warning("formula %r: %s", latex, error, location=node)
        return f"<code>{nodes.unescape(latex)}</code>"


def inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(f'<span class="math">{converted(node.astext(), False, node)}</span>')
    raise nodes.SkipNode


def block(translator: Any, node: nodes.math_block) -> None:
    translator.body.append(f'<div class="math">{converted(node.astext(), True, node)}</div>')
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, Any]:
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
