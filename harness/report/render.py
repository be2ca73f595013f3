"""A template of `page/` and values in; one self-contained HTML page out.

Every page extends `shell.html.j2` (blocks `title`, `head`, `body`). The style of a page is `page.css` and, when there
is one, the file named like the template (`trend.html.j2` has `trend.css`). The page may load nothing, run no script,
and take no style but that one: attributes `style=` and elements `<style>` of a template's own have no effect. What
changes with the data is drawn with attributes of SVG.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness import __version__
from harness.report.plain import printable
from harness.report.words import clock, duration, fine, moment, stage_told

_STYLE = "page.css"


def render(template: str, **values: Any) -> str:
    """The page made from `template`. Everything in `values` is escaped, and may hold any character."""
    css = _css(template)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode("ascii")
    # https://www.w3.org/TR/CSP3/: nothing may be loaded; the icon is an empty data: URL, which stops a request for one.
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    page = _environment().get_template(template)
    return page.render(css=Markup(css), csp=policy, version=__version__, **values)  # noqa: S704 - a file of ours


def _css(template: str) -> str:
    folder = files("harness.report") / "page"
    own = folder / f"{template.partition('.')[0]}.css"
    return "\n".join(sheet.read_text(encoding="utf-8") for sheet in (folder / _STYLE, own) if sheet.is_file())


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("harness.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_fit,
    )
    environment.filters.update(duration=duration, moment=moment, clock=clock, fine=fine, stage_told=stage_told)
    return environment


def _fit(value: Any) -> Any:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
