"""Pages that need no other file: text, tables and pictures in one HTML file, for a desk, a phone and the dark."""

import base64
import html
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

# A table that is wider than the page scrolls in its own box. Charts are drawn on white: in the dark they are turned
# around, and their colours back.
_STYLE = """:root { color-scheme: light dark; --paper: #fff; --ink: #222; --soft: #666; --line: #ccc; --link: #0550ae }
@media (prefers-color-scheme: dark) {
:root { --paper: #15181c; --ink: #dfe3e8; --soft: #9aa4af; --line: #3b424b; --link: #7ab7ff }
img.chart { filter: invert(.9) hue-rotate(180deg) } }
body { font: 16px/1.55 system-ui, sans-serif; margin: 2em auto; max-width: 62em; padding: 0 1em;
background: var(--paper); color: var(--ink); overflow-wrap: break-word }
a { color: var(--link) }
table { border-collapse: collapse; margin: 1em 0; display: block; overflow-x: auto; font-size: .92em }
td, th { border-bottom: 1px solid var(--line); padding: .3em .7em; text-align: right; white-space: nowrap }
td:first-child, th:first-child { text-align: left }
img { max-width: 100%; height: auto }"""


def html_page(
    title: str, text: str, tables: Mapping[str, Sequence[Mapping[str, Any]]], images: Mapping[str, pathlib.Path]
) -> str:
    """A page of a paragraph, tables, and then pictures.

    Args:
        title: of the page.
        text: a paragraph below it.
        tables: heading -> rows of a table, all with the same columns.
        images: heading -> file of a picture in PNG, which the page will contain.

    Example:
    >>> from keras_iresnet.comparison.html_page import html_page
    >>> page = html_page("a < b", "Text.", {"Table": [{"model": "x", "value": 1.23456}]}, {})
    >>> "<h1>a &lt; b</h1>" in page, "<td>1.235</td>" in page
    (True, True)
    """
    parts = [f"<h1>{html.escape(title)}</h1>", f"<p>{html.escape(text)}</p>"]
    for heading, rows in tables.items():
        parts += [f"<h2>{html.escape(heading)}</h2>", table(rows)]
    for heading, path in images.items():
        parts += [f"<h2>{html.escape(heading)}</h2>", picture(path, heading)]
    return document(title, parts)


def document(title: str, parts: Sequence[str], *, style: str = "", script: str = "") -> str:
    r"""A page of parts that are HTML already.

    Args:
        title: of the page, as text.
        parts: of its body, one after the other.
        style: CSS beside that of all pages.
        script: JavaScript that runs when the page is there.

    Example:
    >>> from keras_iresnet.comparison.html_page import document
    >>> document("a", ["<p>b</p>"]).endswith("<body>\n<p>b</p>\n</body></html>\n")
    True
    """
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        # Without an icon of its own a browser asks the server for one.
        f'<title>{html.escape(title)}</title><link rel="icon" href="data:,"><style>{_STYLE}\n{style}</style>'
    )
    end = [f"<script>{script}</script>"] if script else []
    body = "\n".join([*parts, *end])
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as a table, all with the same columns; numbers to four digits, nothing where a value is `None`.

    Example:
    >>> from keras_iresnet.comparison.html_page import table
    >>> print(table([{"a_b": None, "c": True}]))
    <table>
    <tr><th>a b</th><th>c</th></tr>
    <tr><td></td><td>yes</td></tr>
    </table>
    """
    head = "".join(f"<th>{html.escape(column.replace('_', ' '))}</th>" for column in rows[0])
    body = "\n".join(f"<tr>{''.join(f'<td>{_text(value)}</td>' for value in row.values())}</tr>" for row in rows)
    return f"<table>\n<tr>{head}</tr>\n{body}\n</table>"


def picture(path: str | os.PathLike, alt: str, *, chart: bool = False, hidden: bool = False) -> str:
    """An image in PNG, its content in the page.

    Args:
        path: the file.
        alt: what it shows, for who does not see it.
        chart: whether it is lines on white, which a dark page turns around.
        hidden: whether it is to be shown by a script only.
    """
    content = base64.b64encode(pathlib.Path(path).read_bytes()).decode()
    marks = (' class="chart"' if chart else "") + (" hidden" if hidden else "")
    return f'<img alt="{html.escape(alt)}"{marks} src="data:image/png;base64,{content}">'


def _text(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return html.escape(f"{value:.4g}" if isinstance(value, float) else str(value))
