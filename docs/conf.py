"""Sphinx's configuration: `make docs` builds the pages of this folder into docs/_build/html, without a network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "workflow")]

import tables  # noqa: E402  (it lies in this folder, and needs the package)

logger = logging.getLogger(__name__)

project = "Pellucid"
copyright = "The Pellucid maintainers"
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
nitpicky = True

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "Pellucid"
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
html_math_renderer = "mathml"
html_static_path = ["static"]
html_css_files = ["pellucid.css"]
pygments_style = "friendly"


class Plugin(SphinxDirective):
    """What a plugin declares: ```{plugin} explain/saliency```."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        package, name = self.arguments[0].split("/")
        return self.parse_text_to_nodes(tables.plugin(package, name))


class Configuration(SphinxDirective):
    """Every key of one section of the configuration: ```{configuration} training```; all other keys with `top`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes(tables.section(self.arguments[0]))


def mathml(node: nodes.math | nodes.math_block, *, block: bool) -> str:
    """Return a formula as MathML, which browsers draw without a script; warn of one that cannot be written."""
    try:
        return tex2mathml(node.astext(), as_block=block)
    except MathError as error:
        logger.warning("formula %s: %s", node.astext(), error, location=node)
        return ""


def write_inline(translator: Any, node: nodes.math) -> None:
    """Write a formula inside a sentence."""
    translator.body.append(mathml(node, block=False))
    raise nodes.SkipNode


def write_block(translator: Any, node: nodes.math_block) -> None:
    """Write a formula on a line of its own."""
    translator.body.append(f'<div class="math">{mathml(node, block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Add the directives and the writer of formulas."""
    app.add_directive("plugin", Plugin)
    app.add_directive("configuration", Configuration)
    app.add_html_math_renderer("mathml", (write_inline, None), (write_block, None))
