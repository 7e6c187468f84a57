"""What docs/ promises is run: its Python, the names in its tables."""

import inspect
import json
import pathlib
import re
import shlex
import types

import click
import pytest

from keras_iresnet import data, zoo
from keras_iresnet.runs import settings
from keras_iresnet_cli import cli

DOCS = pathlib.Path(__file__).parents[1] / "docs"
OPTIONS = (DOCS / "options.md").read_text()
# Every option of CIFAR_main.py.
AUTHORS = (
    *("densityEstimation", "optimizer", "lr", "coeff", "numTraceSamples", "numSeriesTerms", "powerIterSpectralNorm"),
    *("weight_decay", "drop_rate", "batch", "init_batch", "init_ds", "warmup_epochs", "inj_pad", "epochs", "nBlocks"),
    *("nStrides", "nChannels", "resume", "evaluate", "interpolate", "drop_two", "nesterov", "norm", "save_dir"),
    *("analysisTraceEst", "multiScale", "fixedPrior", "noActnorm", "nonlin", "dataset", "vis_port", "vis_server"),
    *("log_every", "log_verbose", "deterministic"),
)


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_python_blocks_run_in_order(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(zoo.registry, "_entries", dict(zoo.registry._entries))  # models of a page's own stay there
    _run_blocks(page, "python")


def _run_blocks(page, kinds):
    text, namespace = page.read_text(), {"__name__": "__main__"}
    for match in re.finditer(rf"^```(?:{kinds})\n(.*?)^```$", text, re.M | re.S):
        above = text.count("\n", 0, match.start(1))
        exec(compile("\n" * above + match[1], str(page), "exec"), namespace)


def _checkpoints_of_others():
    """Files as the two codes save them: a model, and a state dict with the object that averages its weights."""
    torch = pytest.importorskip("torch")
    torch.save({"model": torch.nn.Linear(2, 3)}, "checkpoint.t7")
    shadow = types.SimpleNamespace(shadow_params={"weight": torch.ones(3, 2)})
    torch.save({"state_dict": torch.nn.Linear(2, 3).state_dict(), "ema": shadow}, "most_recent.pth")
    return lambda: torch.load("theirs.pth", weights_only=True)["weight"].tolist() == [[1.0, 1.0]] * 3


def _onnx():
    pytest.importorskip("tf2onnx")
    pytest.importorskip("onnxruntime")
    return lambda: pathlib.Path("served16", "inverse.onnx").is_file()


EXTRAS = {"serving.md": _onnx, "checkpoints.md": _checkpoints_of_others}  # page -> what its blocks of `py` need


@pytest.mark.slow
@pytest.mark.parametrize("name", EXTRAS)
def test_blocks_that_need_an_extra_run_where_it_is(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = EXTRAS[name]()
    _run_blocks(DOCS / name, "python|py")
    assert done()


def test_no_other_page_has_blocks_that_need_an_extra():
    pages = {page.name for page in DOCS.glob("*.md") if "```py\n" in page.read_text()}
    assert pages - {"extending.md"} == EXTRAS.keys()  # test_extending.py runs those


@pytest.mark.sweep(2)
@pytest.mark.parametrize("notebook", sorted(DOCS.glob("notebooks/*.ipynb")), ids=lambda file: file.name)
def test_cells_of_the_notebooks_run_in_order_and_say_what_they_said(notebook, monkeypatch, capsys):
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    cells = [cell for cell in json.loads(notebook.read_text())["cells"] if cell["cell_type"] == "code"]
    assert cells
    namespace = {"__name__": "__main__"}
    for cell in cells:
        exec(compile("".join(cell["source"]), str(notebook), "exec"), namespace)
        said = "".join("".join(output.get("text", ())) for output in cell["outputs"])
        # Words must agree; the last digit of a figure depends on the machine.
        assert re.sub(r"[\d.,e+-]+", "#", capsys.readouterr().out) == re.sub(r"[\d.,e+-]+", "#", said)


def _shown():
    """The words of each command of this package in the pages' bash blocks."""
    for page in sorted(DOCS.glob("*.md")):
        for block in re.findall(r"^```bash\n(.*?)^```$", page.read_text(), re.M | re.S):
            for line in re.findall(r"^ *(?:exec )?keras-iresnet (.*)$", block.replace("\\\n", " "), re.M):
                words = shlex.split(line.partition(" > ")[0], comments=True)
                yield pytest.param(words, id=f"{page.name}: {shlex.join(words)}")


@pytest.mark.parametrize("words", [*_shown()])
def test_commands_of_the_pages_take_their_options(words):
    arguments, group, path = list(words), cli, []
    while isinstance(group, click.Group):
        path.append(arguments.pop(0))
        group = group.commands[path[-1]]
    parent = cli.make_context("keras-iresnet", path[:1], resilient_parsing=True)
    if "--help" in arguments:
        with pytest.raises(click.exceptions.Exit):
            group.make_context(path[-1], arguments, parent=parent)
    else:
        group.make_context(path[-1], arguments, parent=parent)


def _rows():
    """(theirs, ours) of each row of the table."""
    rows = [line.strip("|").split("|") for line in OPTIONS.splitlines() if line.startswith("| ")]
    return [(row[0], row[1]) for row in rows[1:]]


def _named(kind):
    """Names that a cell calls fields or keywords."""
    cells = [ours for _, ours in _rows() if re.match(rf"\s*{kind}s?\b", ours)]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell.split(":")[0])}


def _keywords():
    return {name for model in zoo.list() for name in inspect.signature(zoo.get(model).builder).parameters}


def test_fields_of_the_table_are_those_of_the_recipe():
    fields = set(settings._fields_of(zoo.get("digits_flow").recipe))
    assert _named("field") | {"seed"} == fields
    assert "`seed`" in OPTIONS


def test_keywords_of_the_table_are_those_of_the_builders():
    # Of 2-D, conditional and hybrid models, which the authors' command does not train, and of the recipe.
    others = {"units", "conditional", "dataset", "weight", "seed"}
    assert _named("keyword") | others == _keywords()


def test_commands_of_the_table_are_there():
    named = set(re.findall(r"`keras-iresnet ([\w-]+)", OPTIONS))
    assert named <= set(cli.commands)


def test_options_of_the_table_are_those_of_train():
    context = cli.make_context("keras-iresnet", ["train"], resilient_parsing=True)
    known = {option for parameter in cli.commands["train"].get_params(context) for option in parameter.opts}
    named = {option for _, ours in _rows() for option in re.findall(r"`(--[\w-]+)`", ours)}
    assert named
    assert named <= known


def test_every_option_of_the_authors_is_in_the_table():
    cells = " ".join(cell for cell, _ in _rows())
    assert not [name for name in AUTHORS if not re.search(rf"`--?{name}`", cells)]


def test_data_sets_of_the_page_are_those_that_load_knows():
    page = (DOCS / "data.md").read_text()
    named = set(re.findall(r"`([\w/]+)`", page)) & set(data.names())
    assert named >= {"digits", *data.tfds_images.names()}
