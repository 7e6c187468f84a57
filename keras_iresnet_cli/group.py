"""The command `keras-iresnet` itself, which reports what a user can mend as one message."""

import click


class _Group(click.Group):
    """Reports what a user can mend as one message, without a traceback."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click ends quietly when the reader of our output has gone
            raise
        except (ValueError, OSError, FloatingPointError) as error:
            if ctx.params["debug"]:
                raise
            failure = click.ClickException(str(error))
            failure.exit_code = 2
            raise failure from error


@click.group(cls=_Group, context_settings={"token_normalize_func": lambda token: token.replace("_", "-")})
@click.version_option(package_name="keras-iresnet")
@click.option("--debug", is_flag=True, help="Show tracebacks and TensorFlow's start-up messages.")
def cli(**_):
    """Invertible residual networks: train models of the zoo, evaluate them, sample from them."""
