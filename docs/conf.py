"""Sphinx configuration; `make docs` builds into docs/_build/html."""

from importlib.metadata import version as _version

project = "resolvent"
author = "The resolvent developers"
copyright = author
release = version = _version("resolvent")

extensions = ["sphinx.ext.autodoc", "sphinx.ext.mathjax", "numpydoc", "myst_parser"]
html_theme = "pydata_sphinx_theme"
html_theme_options = {"show_prev_next": False, "secondary_sidebar_items": ["page-toc"]}
html_title = f"{project} {release}"
exclude_patterns = ["_build"]
myst_heading_anchors = 3
suppress_warnings = ["myst.xref_missing"]

autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
