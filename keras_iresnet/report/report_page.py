"""The page of a report: one file, with everything in it, for a phone and for the dark."""

import html
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from keras_iresnet.comparison.html_page import document, picture, table

_STYLE = """header p, nav { color: var(--soft) }
nav { columns: 18em; margin: 1.5em 0; padding: 0 } nav a { display: block; padding: .25em 0; text-decoration: none }
section { border-top: 1px solid var(--line); margin-top: 2.5em; padding-top: .5em }
h1 { line-height: 1.2; margin-bottom: .3em } h2 { line-height: 1.25 } h3 { font-size: 1em; margin: 1.4em 0 -.6em }
figure { margin: 1.2em 0; overflow-x: auto }
figure img { display: block; border-radius: 4px } figure img[hidden] { display: none } img.chart { min-width: 34em }
figcaption { color: var(--soft); font-size: .9em; margin-top: .4em; position: sticky; left: 0 }
.slider label { display: flex; align-items: center; gap: .8em; margin: .6em 0 }
.slider input { flex: 1; min-width: 0; max-width: 26em; height: 2em; accent-color: var(--link) }
.slider output { min-width: 3em; font-variant-numeric: tabular-nums }
.slider img { width: 26em; image-rendering: pixelated }
dl { margin: 1.2em 0 } dl div { border: 1px solid var(--line); border-radius: 6px; margin: .5em 0; padding: .6em .9em;
display: grid; grid-template-columns: 1.3fr 1fr 1fr; gap: .2em 1.2em } dt { font-weight: 600 } dd { margin: 0 }
dd span { color: var(--soft); display: block; font-size: .85em }
.missing { border-left: 4px solid #c98a00; margin: 1em 0; padding: .1em 1em } code { font-size: .9em }
.missing code { display: block; overflow-x: auto; white-space: nowrap }
details { color: var(--soft); font-size: .92em } summary { cursor: pointer; padding: .4em 0 }
@media (max-width: 40em) {
body { margin-top: 1em } dl div { grid-template-columns: 1fr } .slider img { width: 100% } }"""

# The frames are all in the page; moving the slider shows another one.
_SCRIPT = """for (const box of document.querySelectorAll('.slider')) {
  const frames = [...box.querySelectorAll('img')], input = box.querySelector('input');
  const show = () => {
    frames.forEach((frame, i) => { frame.hidden = i !== input.valueAsNumber; });
    box.querySelector('output').textContent = frames[input.valueAsNumber].dataset.value;
  };
  input.addEventListener('input', show);
  show();
}"""


def report_page(entries: Sequence[Mapping[str, Any]], pictures: pathlib.Path) -> str:
    """The page.

    Args:
        entries: what `report` keeps of each exhibit, in order.
        pictures: folder of the pictures.

    Example:
    >>> import pathlib
    >>> from keras_iresnet.report.report_page import report_page
    >>> entry = {"name": "figure-1", "title": "Figure 1", "text": "Text.", "missing": {"x": "train x"}, "there": False}
    >>> "<code>train x</code>" in report_page([entry], pathlib.Path("."))
    True
    """
    links = "\n".join(f'<a href="#{entry["name"]}">{html.escape(entry["title"])}</a>' for entry in entries)
    header = (
        "<header><h1>Invertible residual networks: the paper beside this package</h1>\n"
        "<p>Every figure and table of Behrmann et al., ICML 2019 "
        '(<a href="https://arxiv.org/abs/1811.00995">arXiv:1811.00995</a>), made from the released weights of '
        "keras_iresnet and from runs that were recorded. What is the paper's is said to be. Its networks are larger "
        "and were trained for days; ours are small and take minutes, so read figures by their shape.</p></header>"
    )
    parts = [header, f'<nav aria-label="Contents">{links}</nav>', "<main>"]
    parts += [_section(entry, pictures) for entry in entries]
    return document("The paper beside keras_iresnet", [*parts, "</main>"], style=_STYLE, script=_SCRIPT)


def _section(entry, pictures):
    parts = [f"<h2>{html.escape(entry['title'])}</h2>", f"<p>{html.escape(entry['text'])}</p>"]
    parts += [_figure(one, pictures) for one in entry.get("pictures", ())]
    parts += [_slider(one, pictures) for one in entry.get("sliders", ())]
    parts += [_beside(entry["beside"])] if entry.get("beside") else []
    for heading, rows in entry.get("tables", {}).items():
        parts += [f"<h3>{html.escape(heading)}</h3>", table(rows)]
    parts += [_settings(entry["settings"])] if entry.get("settings") else []
    parts += [_missing(entry["missing"])] if entry["missing"] else []
    return f'<section id="{entry["name"]}">\n' + "\n".join(parts) + "\n</section>"


def _figure(one, pictures):
    caption = f"<figcaption>{html.escape(one['caption'])}</figcaption>" if one["caption"] else ""
    return f"<figure>{picture(pictures / one['file'], one['alt'], chart=one['chart'])}{caption}</figure>"


def _slider(one, pictures):
    values = list(one["frames"])
    start = values.index(one["start"])
    frames = [
        picture(pictures / frame["file"], frame["alt"], hidden=i != start).replace(
            "<img ", f'<img data-value="{html.escape(value)}" ', 1
        )
        for i, (value, frame) in enumerate(one["frames"].items())
    ]
    control = f'<input type="range" min="0" max="{len(values) - 1}" value="{start}" autocomplete="off">'
    label = f"<label>{html.escape(one['label'])} {control}<output>{html.escape(one['start'])}</output></label>"
    caption = f"<figcaption>{html.escape(one['caption'])}</figcaption>"
    return f'<figure class="slider">{label}{"".join(frames)}{caption}</figure>'


def _beside(rows):
    def card(what, paper, here):
        cells = (("the paper", paper), ("here", here))
        told = "".join(f"<dd><span>{label}</span>{html.escape(text)}</dd>" for label, text in cells)
        return f"<div><dt>{html.escape(what)}</dt>{told}</div>"

    return f"<dl>{''.join(card(*row) for row in rows)}</dl>"


def _settings(lines):
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<details><summary>Settings</summary><ul>{items}</ul></details>"


def _missing(models):
    lines = "".join(f"<li>{html.escape(name)}: <code>{html.escape(how)}</code></li>" for name, how in models.items())
    return f'<div class="missing"><p>Not there yet, so not shown here:</p><ul>{lines}</ul></div>'
