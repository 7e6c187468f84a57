"""The command `keras-iresnet` itself, which reports what a user can mend as one message."""

from typing import Any

import click

_EPILOG = """\b
Completion by the TAB key, here in bash; docs/commands.md has other shells:
  eval "$(_KERAS_IRESNET_COMPLETE=bash_source keras-iresnet)"
"""
_WIDEST = 120  # columns of a help text, where the terminal has them


class _Mendable(click.ClickException):
    """What a user can mend, with the status that click gives its own."""

    exit_code = 2


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
            raise _Mendable(str(error)) from error
        except Exception as error:
            if ctx.params["debug"]:
                raise
            # Known by its name, like those below: TensorFlow is not to be imported for this.
            if type(error).__name__ == "NotConvergedError":
                raise _Mendable(str(error)) from error
            if not _is_out_of_memory(error):
                raise
            raise _Mendable(
                "There is not enough memory; what was saved is there still. A smaller `--batch-size` needs less, or "
                f"`--remat true` in training. {str(error).splitlines()[0] if str(error) else type(error).__name__}"
            ) from error


def _is_out_of_memory(error):
    """Whether it is Python's error or TensorFlow's, which is known by its name: it is not to be imported for this."""
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"


_SETTINGS = {"token_normalize_func": lambda token: token.replace("_", "-"), "max_content_width": _WIDEST}


@click.group(cls=_Group, context_settings=_SETTINGS, epilog=_EPILOG)
@click.version_option(package_name="keras-iresnet")
@click.option("--debug", is_flag=True, help="Show tracebacks and TensorFlow's start-up messages.")
def cli(**_: Any) -> None:
    """Invertible residual networks: train models of the zoo, evaluate them, sample from them."""
