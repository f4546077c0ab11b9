# SPDX-License-Identifier: MIT
"""The book: Sphinx with MyST. `make book` builds it into build/book; a warning is an error there."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "_ext"))

project = "EuraliOS"
author = "the EuraliOS authors"
language = "en"

extensions = ["myst_parser", "listing", "protocols"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_ext"]
myst_enable_extensions = ["deflist"]
# GitHub's anchors for headings, so that one chapter can point into another.
myst_heading_anchors = 3

html_theme = "alabaster"
html_theme_options = {"description": "a small operating system, explained", "page_width": "1060px",
                      "sidebar_width": "230px", "fixed_sidebar": True}
html_sidebars = {"**": ["about.html", "navigation.html", "searchbox.html"]}
html_show_sourcelink = False
html_show_copyright = False
highlight_language = "none"
