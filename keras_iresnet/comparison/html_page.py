"""A comparison as one page that needs no other file: text, tables, pictures."""

import base64
import html
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

_STYLE = """body { font: 15px/1.5 sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: 1em 0; display: block; overflow-x: auto }
td, th { border-bottom: 1px solid #ccc; padding: .3em .7em; text-align: right; white-space: nowrap }
td:first-child, th:first-child { text-align: left }
img { max-width: 100% }"""


def html_page(
    title: str, text: str, tables: Mapping[str, Sequence[Mapping[str, Any]]], images: Mapping[str, pathlib.Path]
) -> str:
    """The page.

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
        parts += [f"<h2>{html.escape(heading)}</h2>", _table(rows)]
    for heading, path in images.items():
        content = base64.b64encode(path.read_bytes()).decode()
        picture = f'<img alt="{html.escape(heading)}" src="data:image/png;base64,{content}">'
        parts += [f"<h2>{html.escape(heading)}</h2>", picture]
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{_STYLE}</style>'
    return f"<!DOCTYPE html>\n<html><head>{head}</head>\n<body>\n" + "\n".join(parts) + "\n</body></html>\n"


def _table(rows):
    head = "".join(f"<th>{html.escape(column.replace('_', ' '))}</th>" for column in rows[0])
    body = "\n".join(f"<tr>{''.join(f'<td>{_text(value)}</td>' for value in row.values())}</tr>" for row in rows)
    return f"<table>\n<tr>{head}</tr>\n{body}\n</table>"


def _text(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return html.escape(f"{value:.4g}" if isinstance(value, float) else str(value))
