"""The card of a released model, and the table of them all, written from metrics.json.

    python -m keras_iresnet.zoo.card zoo

rewrites `zoo/NAME/README.md` for each `zoo/NAME/metrics.json`, and the table of `zoo/README.md`.
"""

import json
import pathlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from keras_iresnet.zoo.record import Published, Reached
from keras_iresnet.zoo.table import duration, markdown, rewritten

CARD, METRICS, PICTURE = "README.md", "metrics.json", "picture.png"
HEADLINES = {"bits_per_dim": "bits/dim", "error_percent": "% error", "log_likelihood_nats": "nats"}
_COUNTS = ("test_bits_per_dim_images", "test_images", "test_points")


def card_text(facts: Mapping[str, Any]) -> str:
    """The card in Markdown.

    Args:
        facts: what metrics.json holds, as `keras_iresnet.commands.release_run` wrote it.
    """
    return "\n".join(_lines(facts)) + "\n"


def reached_by(facts: Mapping[str, Any]) -> tuple[Reached, ...]:
    """The figures of the test split as the zoo's records have them."""
    figures = facts["figures"]
    return tuple(
        Reached(
            metric=metric,
            unit=unit,
            **_rounded(figures[f"test_{metric}"], figures[f"test_{metric}_standard_error"]),
            dataset=facts["dataset"]["name"],
            split="test",
            examples=_count(figures, metric),
            commands=tuple(facts["commands"]),
            commit=(facts["commit"] or "unknown")[:7],
            machine=facts["machine"],
            minutes=facts["minutes"],
            training_minutes=facts["training_minutes"],
            steps=facts["steps"],
            notes=_how(figures),
        )
        for metric, unit in HEADLINES.items()
        if f"test_{metric}" in figures
    )


def released_table(folder: pathlib.Path) -> str:
    """One line a released model: what it is, what it reached, how large it is."""
    rows = []
    for facts in all_facts(folder):
        figures = ", ".join(map(str, reached_by(facts)))
        size = f"{facts['bytes'] / 2**20:.1f} MiB"
        name = f"[`{facts['name']}`]({facts['name']}/{CARD})"
        trained = duration(reached_by(facts)[0])
        rows.append((name, facts["dataset"]["name"], f"{facts['parameters']:,}", figures, trained, size))
    return markdown(("model", "data", "parameters", "reached on the test split", "run", "file"), rows)


def all_facts(folder: pathlib.Path) -> Iterator[dict[str, Any]]:
    """What each metrics.json under the folder of the released models' cards holds, by name."""
    for file in sorted(folder.glob(f"*/{METRICS}")):
        yield json.loads(file.read_text(encoding="utf-8"))


def rewrite(folder: pathlib.Path) -> None:
    """Write all cards, and the table of them in the folder's README.md, anew."""
    for facts in all_facts(folder):
        (folder / facts["name"] / CARD).write_text(card_text(facts), encoding="utf-8")
    page = folder / CARD
    text = page.read_text(encoding="utf-8")
    page.write_text(rewritten(text, {"released": lambda: released_table(folder)}), encoding="utf-8")


def _lines(facts):
    name, kind = facts["name"], facts["class"].rpartition(".")[2]
    yield f"# {name}\n"
    yield f"A `{kind}` of {facts['parameters']:,} parameters, trained on {facts['dataset']['name']}.\n"
    yield "```python\nimport keras_iresnet as ki\n"
    yield f'model = ki.zoo.load("{name}")'
    yield "```\n"
    if facts["picture"]:
        yield f"![{facts['picture']}]({PICTURE})\n"
    yield from _section("What it reached", _reached(facts))
    yield from _section("What is proved, and how it inverts", _inverse(facts))
    yield from _section("How it was trained", _training(facts))
    yield from _section("The file", _file(facts))


def _section(title, rows):
    yield f"## {title}\n"
    yield markdown(("what", "value"), rows)


def _reached(facts):
    figures = facts["figures"]
    for one in reached_by(facts):
        yield one.metric, f"{one} on {one.examples:,} test examples"
    for fields in facts["published"]:
        published = Published(**fields)
        yield "published", ", ".join(filter(None, [str(published), published.source, published.notes]))
    for name, value in figures.items():
        plain = name.removeprefix("test_")
        if plain not in HEADLINES and not any(plain == f"{metric}_standard_error" for metric in HEADLINES):
            yield f"`{name}`", _shown(value)


def _inverse(facts):
    certificate = facts["certificate"]
    yield "certified invertible", "yes" if certificate["certified"] else "no"
    yield "largest bound of a branch's Lipschitz constant", _shown(certificate["certified_lipschitz_bound"])
    for name, value in facts["inverse"].items():
        yield f"`{name}` of {facts['inverse_examples']} test examples there and back", _shown(value)
    if facts["sampling"]:
        n = facts["sampling"]["samples"]
        yield f"{n} samples, the first time", f"{facts['sampling']['first_seconds']:.2f} s"
        yield f"{n} samples, then", f"{facts['sampling']['seconds']:.3f} s"


def _training(facts):
    data = facts["dataset"]
    yield "builder", f"`{facts['model']}`" + (f": {facts['reference']}" if facts["reference"] else "")
    differs = ", ".join(f"`{name}`: {_shown(value)}" for name, value in facts["differs"].items())
    yield "differs from its recipe in", differs or "nothing"
    counts = ", ".join(f"{data[split]:,} to {word}" for split, word in _SPLITS.items())
    yield "data", f"{data['name']}: {counts}"
    yield "licence of the data", facts["licence"]
    for command in facts["commands"]:
        yield "command", f"`{command}`"
    yield "commit", facts["commit"] or "unknown"
    yield "machine", facts["machine"]
    yield "minutes, of them training", f"{facts['minutes']:g}, {facts['training_minutes']:g}"
    yield "steps, epochs", f"{facts['steps']:,}, {facts['epochs']:,}"
    yield "versions", ", ".join(f"{package} {version}" for package, version in facts["versions"].items())


_SPLITS = {"train": "train on", "validation": "choose the checkpoint by", "test": "test on"}


def _file(facts):
    yield "bytes", f"{facts['bytes']:,}"
    yield "SHA-256", f"`{facts['sha256']}`"


def _count(figures, metric):
    names = _COUNTS if metric != "error_percent" else _COUNTS[1:]
    return next(figures[name] for name in names if name in figures)


def _rounded(value, error):
    """Both to two digits of the error."""
    digits = 2 if not error else max(0, 1 - int(f"{error:e}".partition("e")[2]))
    return {"value": round(value, digits), "standard_error": round(error, digits)}


def _how(figures):
    known = {
        "log_det": figures.get("test_log_det"),
        "bias bound": figures.get("test_bits_per_dim_bias_bound"),
        "noises": figures.get("test_num_noises"),
    }
    return "; ".join(f"{name}: {_shown(value)}" for name, value in known.items() if value is not None) or None


def _shown(value):
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "not known"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        rewrite(pathlib.Path(argument))
