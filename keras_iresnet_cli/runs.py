"""What to do with a run, or a released model: evaluate, certify, release, export, draw from, invert, score with it."""

from typing import Any

import click

from keras_iresnet_cli.group import cli
from keras_iresnet_cli.options import Among, data_dir_option, dataset_option, example, json_option, run_argument
from keras_iresnet_cli.quiet import start_tensorflow_quietly
from keras_iresnet_cli.tables import show_json, show_metrics, show_paths


def _command(words, short_help):
    """A command on a run folder, with an example, and a line in the list of commands."""
    return lambda function: cli.command(epilog=example(words), short_help=short_help)(run_argument(function))


def _tell_data(run):
    """The names and the digest of a user's own data that a run was trained on, beside what a command prints."""
    from keras_iresnet.runs import RunFolder
    from keras_iresnet.runs.run_data import description_of, told

    for line in told(description_of(RunFolder.open(run))):
        click.echo(line, err=True)


def _out_option(settings):
    default = f"a .png in RUN, named by {settings}"
    return click.option("--out", type=click.Path(), help=f"File, .png or .npy.  [default: {default}]")


@_command("evaluate runs/digits --split validation", "Evaluate a run on held-out data.")
@click.option(
    "--split", type=Among(["train", "validation", "test"]), default="test", show_default=True, help="Part of the data."
)
@dataset_option
@data_dir_option
@click.option("--seed", type=int, help="Seed of noise and probes.  [default: the recipe's]")
@click.option("--bias", type=float, help="Bits/dim that cutting the log-det series may cost, proved.  [default: 1e-4]")
@click.option(
    "--standard-error", type=float, help="Bits/dim, standard error from noise and probes to reach.  [default: 1e-3]"
)
@click.option(
    "--num-terms", type=int, help="Terms of the series, whatever its bias.  [default: as many as --bias needs]"
)
@click.option("--max-passes", type=int, help="Limit of how often all images are evaluated.  [default: 100]")
@json_option
def evaluate(run: str, as_json: bool, **options: Any) -> None:
    """Evaluate the best checkpoint of the run folder RUN; its metrics.json takes the figures."""
    start_tensorflow_quietly()
    from keras_iresnet.commands import evaluate_run

    figures = evaluate_run(run, **options)
    _tell_data(run)
    show_metrics(figures, as_json=as_json)


@_command("export runs/digits --out digits", "Write a run's model for TensorFlow alone, or for ONNX.")
@click.option("--out", type=click.Path(), help="Folder, new or empty.  [default: saved_model or onnx in RUN]")
@click.option(
    "--format",
    type=Among(["tf_saved_model", "onnx"]),
    default="tf_saved_model",
    show_default=True,
    help="Of the files.",
)
@click.option("--batch-size", type=int, help="Of ONNX: examples of every call.  [default: any]")
@click.option(
    "--num-terms",
    type=int,
    help="Of ONNX: terms of the log-determinant's series, with one probe; needs --batch-size.  [default: exact]",
)
@json_option
def export(run: str, as_json: bool, **options: Any) -> None:
    """Write the best checkpoint of the run folder RUN as a SavedModel or as files of ONNX, and say what they give."""
    start_tensorflow_quietly()
    from keras_iresnet.commands import export_run

    path = export_run(run, verbose=not as_json, **options)
    if as_json:
        show_paths([path], as_json=True)


@_command("release runs/digits --out presets/digits", "Make a preset with a card of a run.")
@click.option("--out", type=click.Path(), required=True, help="Folder, new or empty.")
@click.option("--name", help="Of what is released.  [default: the model's]")
@dataset_option
@data_dir_option
@json_option
def release(run: str, out: str, as_json: bool, **options: Any) -> None:
    """Write the best model of the finished run folder RUN as a preset, with a card that says what it is and reached."""
    start_tensorflow_quietly()
    from keras_iresnet.commands import release_run

    release_run(run, out=out, **options)
    show_paths([out], as_json=as_json)


@_command("certify runs/digits", "Prove a run's model invertible.")
@click.option("--contract", is_flag=True, help="Scale the kernels whose bound is too large, so that it holds.")
@click.option("--picture", type=click.Path(), help="File, .png: bound, estimate and norm of each layer.")
@json_option
def certify(run: str, contract: bool, picture: str | None, as_json: bool) -> None:
    """Prove the best checkpoint of the run folder RUN invertible: a bound for each layer and each block.

    Exit status 1 where the bounds do not prove it.
    """
    start_tensorflow_quietly()
    import dataclasses

    from keras_iresnet.commands import certify_run, contract_run, draw_certificate

    contraction = contract_run(run) if contract else None
    found = certify_run(run) if contraction is None else contraction.certificate
    if picture is not None:
        draw_certificate(run, path=picture)
    if as_json:
        scaled = {} if contraction is None else {"scaled": [dataclasses.asdict(one) for one in contraction.scaled]}
        show_json({"invertible": found.invertible, "bound": found.bound} | scaled | dataclasses.asdict(found))
    else:
        click.echo(found if contraction is None else contraction)
    click.get_current_context().exit(0 if found.invertible else 1)


@_command("sample runs/digits --n 100 --temperature 0.8", "Draw samples.")
@click.option("--n", type=int, help="How many.  [default: 64 images, 10 of each class, or 4096 points]")
@click.option(
    "--label", help="Class to draw, by name or number, of a run of p(x | c).  [default: all, one row a class]"
)
@click.option("--temperature", default=1.0, show_default=True, help="Factor of the prior's standard deviation.")
@click.option("--seed", default=0, show_default=True, help="Seed of the draw.")
@_out_option("the settings")
@dataset_option
@data_dir_option
@json_option
def sample(run: str, as_json: bool, **options: Any) -> None:
    """Draw samples from the best checkpoint of the run folder RUN, and say how exact the inverse was."""
    start_tensorflow_quietly()
    from keras_iresnet.commands import sample_run
    from keras_iresnet.layers import NotConvergedError

    try:
        found: list[Any] = []
        path = sample_run(run, tell=found.append, **options)
        _tell_data(run)
        click.echo(found[0], err=True)
        if as_json:
            show_json(found[0]._asdict() | {"paths": [path]})
        else:
            show_paths([path])
    except NotConvergedError as error:
        raise click.ClickException(str(error)) from error


@_command("score runs/wine new.csv", "Tell how unusual examples are.")
@click.argument("examples", type=click.Path())
@click.option("--seed", default=0, show_default=True, help="Seed of noise and probes.")
@click.option("--out", type=click.Path(), help="File, .csv.  [default: scores.csv in RUN]")
@dataset_option
@data_dir_option
@json_option
def score(run: str, as_json: bool, **options: Any) -> None:
    """Score EXAMPLES, a file or a folder like the data of the run folder RUN: a log-likelihood for each row or picture.

    Beside it stands the share of the training examples that are less likely: near 0 for what is unusual.
    """
    start_tensorflow_quietly()
    from keras_iresnet.commands import score_run

    found = score_run(run, **options)
    _tell_data(run)
    figures = {
        "examples": len(found.names),
        "mean_log_likelihood_nats": float(found.log_likelihoods.mean()),
        "below_all_training_examples": int((found.shares_below == 0).sum()),
    }
    if as_json:
        show_json(figures | {"paths": [found.path]})
    else:
        show_metrics(figures)
        show_paths([found.path])


@_command("reconstruct runs/digits --n 16", "Invert a run's model on test images.")
@click.option("--n", default=32, show_default=True, help="How many images.")
@click.option("--seed", default=0, show_default=True, help="Seed of the choice and of the noise.")
@_out_option("the seed")
@dataset_option
@data_dir_option
@json_option
def reconstruct(run: str, as_json: bool, **options: Any) -> None:
    """Invert the best checkpoint of RUN on test images: originals above what comes back, and how it went."""
    start_tensorflow_quietly()
    from keras_iresnet.commands import reconstruct_run

    path, figures = reconstruct_run(run, **options)
    _tell_data(run)
    if as_json:
        show_json(figures | {"paths": [path]})
    else:
        show_metrics(figures)
        show_paths([path])


@_command("interpolate runs/digits --pairs 4 --steps 7", "Walk between test images in latent space.")
@click.option("--pairs", default=8, show_default=True, help="How many paths, one a row.")
@click.option("--steps", default=9, show_default=True, help="Images of a path, both ends among them.")
@click.option(
    "--method", type=Among(["spherical", "linear"]), default="spherical", show_default=True, help="How a path runs."
)
@click.option("--temperature", default=1.0, show_default=True, help="Factor of the distance from the prior's mean.")
@click.option("--seed", default=0, show_default=True, help="Seed of the choice and of the noise.")
@_out_option("the settings")
@dataset_option
@data_dir_option
@json_option
def interpolate(run: str, as_json: bool, **options: Any) -> None:
    """Walk between test images in the latent space of the best checkpoint of RUN."""
    start_tensorflow_quietly()
    from keras_iresnet.commands import interpolate_run
    from keras_iresnet.layers import NotConvergedError

    try:
        path = interpolate_run(run, **options)
        _tell_data(run)
        show_paths([path], as_json=as_json)
    except NotConvergedError as error:
        raise click.ClickException(str(error)) from error
