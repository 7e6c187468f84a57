"""`evaluate`, `certify`, `sample`, `reconstruct` and `interpolate`: what to do with a run folder."""

import click

from keras_iresnet_cli.group import cli
from keras_iresnet_cli.quiet import start_tensorflow_quietly
from keras_iresnet_cli.tables import show_metrics


@cli.command()
@click.argument("run", type=click.Path())
@click.option("--split", default="test", show_default=True, help="train, validation or test.")
@click.option("--data-dir", type=click.Path(), help="TFDS data directory.")
@click.option("--seed", type=int, help="Seed of noise and probes.  [default: the recipe's]")
@click.option("--bias", type=float, help="Bits/dim that cutting the log-det series may cost, proved.  [default: 1e-4]")
@click.option(
    "--standard-error", type=float, help="Bits/dim, standard error from noise and probes to reach.  [default: 1e-3]"
)
@click.option(
    "--num-terms", type=int, help="Terms of the series, whatever its bias.  [default: as many as --bias needs]"
)
@click.option("--max-passes", type=int, help="Limit of how often all images are evaluated.  [default: 100]")
def evaluate(run, split, data_dir, seed, **protocol):
    """Evaluate the best checkpoint of the run folder RUN; its metrics.json takes the figures."""
    start_tensorflow_quietly()
    from keras_iresnet.commands import evaluate_run

    protocol = {name: value for name, value in protocol.items() if value is not None}
    show_metrics(evaluate_run(run, split=split, data_dir=data_dir, seed=seed, **protocol))


@cli.command()
@click.argument("run", type=click.Path())
def certify(run):
    """Prove the best checkpoint of the run folder RUN invertible: a bound for each layer and each block.

    Exit status 1 where the bounds do not prove it.
    """
    start_tensorflow_quietly()
    import keras_iresnet
    from keras_iresnet.runs import RunFolder

    report = keras_iresnet.certify(RunFolder.open(run).load_best())
    click.echo(report)
    click.get_current_context().exit(0 if report.invertible else 1)


@cli.command()
@click.argument("run", type=click.Path())
@click.option("--n", type=int, help="How many.  [default: 64 images, 10 of each class, or 4096 points]")
@click.option("--label", type=int, help="Class to draw, of a run of p(x | c).  [default: all, one row a class]")
@click.option("--temperature", default=1.0, show_default=True, help="Factor of the prior's standard deviation.")
@click.option("--seed", default=0, show_default=True, help="Seed of the draw.")
@click.option("--out", type=click.Path(), help="File, .png or .npy.  [default: a .png in RUN, named by the settings]")
@click.option("--data-dir", type=click.Path(), help="TFDS data directory.")
def sample(run, **options):
    """Draw samples from the best checkpoint of the run folder RUN."""
    start_tensorflow_quietly()
    from keras_iresnet.commands import sample_run
    from keras_iresnet.layers import NotConvergedError

    try:
        click.echo(sample_run(run, **options))
    except NotConvergedError as error:
        raise click.ClickException(str(error)) from error


@cli.command()
@click.argument("run", type=click.Path())
@click.option("--n", default=32, show_default=True, help="How many images.")
@click.option("--seed", default=0, show_default=True, help="Seed of the choice and of the noise.")
@click.option("--out", type=click.Path(), help="File, .png or .npy.  [default: a .png in RUN, named by the seed]")
@click.option("--data-dir", type=click.Path(), help="TFDS data directory.")
def reconstruct(run, n, seed, out, data_dir):
    """Invert the best checkpoint of RUN on test images: originals above what comes back, and how it went."""
    start_tensorflow_quietly()
    from keras_iresnet.commands import reconstruct_run

    path, figures = reconstruct_run(run, n=n, seed=seed, out=out, data_dir=data_dir)
    show_metrics(figures)
    click.echo(path)


@cli.command()
@click.argument("run", type=click.Path())
@click.option("--pairs", default=8, show_default=True, help="How many paths, one a row.")
@click.option("--steps", default=9, show_default=True, help="Images of a path, both ends among them.")
@click.option("--method", default="spherical", show_default=True, help="spherical or linear.")
@click.option("--temperature", default=1.0, show_default=True, help="Factor of the distance from the prior's mean.")
@click.option("--seed", default=0, show_default=True, help="Seed of the choice and of the noise.")
@click.option("--out", type=click.Path(), help="File, .png or .npy.  [default: a .png in RUN, named by the settings]")
@click.option("--data-dir", type=click.Path(), help="TFDS data directory.")
def interpolate(run, **options):
    """Walk between test images in the latent space of the best checkpoint of RUN."""
    start_tensorflow_quietly()
    from keras_iresnet.commands import interpolate_run
    from keras_iresnet.layers import NotConvergedError

    try:
        click.echo(interpolate_run(run, **options))
    except NotConvergedError as error:
        raise click.ClickException(str(error)) from error
