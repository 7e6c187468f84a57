"""`train` takes the fields of the model that is named as options: which there are is known once its name is."""

import inspect
import re
from typing import Any

import click

from keras_iresnet_cli.quiet import start_tensorflow_quietly

_MODEL, _FIELDS = (f"{__name__}.{what}" for what in ("model", "fields"))  # in a context's `meta`
_LONGEST_PLACEHOLDER = 50  # of an option's value, which help does not wrap
_PLACEHOLDERS = {bool: "BOOLEAN", int: "INTEGER", float: "FLOAT", str: "TEXT", tuple: "INTEGER,..."}


class GroupedOption(click.Option):
    """An option that stands under a heading of the help: one of `runs.fields.GROUPS`."""

    def __init__(self, *args: Any, group: str = "run", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group


class ModelCommand(click.Command):
    """A command with an argument NAME, or an option that names a run, and the model's fields as options.

    While the shell completes a word, and where neither a name nor a field is given, TensorFlow is not started.
    """

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The command's own parameters, those of the model, and `--help`."""
        return [*self.params, *ctx.meta.get(_FIELDS, []), *super().get_params(ctx)[len(self.params) :]]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Find the model first, then parse as ever."""
        if not ctx.resilient_parsing and (name := self._model(ctx, args)):
            ctx.meta.update({_MODEL: name, _FIELDS: list(_field_options(name))})
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise click.UsageError(self._no_such(error.option_name, ctx), ctx) from error

    def _model(self, ctx, args):
        """The model's name, of what the command's own options leave; `None` where they leave nothing."""
        own = click.Command(self.name, params=[of for of in self.params if isinstance(of, click.Option)])
        lenient = {"ignore_unknown_options": True, "allow_extra_args": True, "resilient_parsing": True}
        given = own.make_context(self.name, list(args), parent=ctx.parent, **lenient)
        if not given.args:
            return None
        start_tensorflow_quietly()
        from keras_iresnet.runs.state.resume import settings_of

        return _first_argument(given.args) or settings_of(None, None, given.params["resume"], None).name

    def _no_such(self, option, ctx):
        import difflib

        known = sorted(name for parameter in self.get_params(ctx) for name in parameter.opts if name[0] == "-")
        near = " or ".join(difflib.get_close_matches(option, known, cutoff=0.7))
        return (
            f"An option for {ctx.meta.get(_MODEL)} must be one of {', '.join(known)}."
            f"{near and f' Did you mean {near}?'} Received: {option}"
        )

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """What the command does; of a model, which one it is in place of how to see its options."""
        if _MODEL not in ctx.meta:
            super().format_help_text(ctx, formatter)
            return
        from keras_iresnet import zoo

        name = ctx.meta[_MODEL]
        summary = (inspect.getdoc(zoo.get(name).builder) or name).splitlines()[0]
        for text in (
            inspect.cleandoc(self.help or "").partition("\n\n")[0],
            f"{name}: {summary[0].lower()}{summary[1:]}",
        ):
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(text)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options in groups, where there is a model."""
        if _MODEL not in ctx.meta:
            super().format_options(ctx, formatter)
            return
        from keras_iresnet.runs.fields import GROUPS

        for group in GROUPS:
            options = [of for of in self.get_params(ctx) if isinstance(of, click.Option)]
            shown = [of for of in options if getattr(of, "group", "run") == group]
            with formatter.section(group.capitalize()):
                formatter.write_dl([record for of in shown if (record := of.get_help_record(ctx))])


def _first_argument(words):
    """The first word that is neither an option nor, as far as one can tell before they are known, its value."""
    words = iter(words)
    for word in words:
        if not word.startswith("-"):
            return word
        if "=" not in word:
            next(words, None)
    return None


def _field_options(name):
    """The options of a model's fields, which take text: `resolve` reads it."""
    from keras_iresnet.runs.field_values import as_text, option
    from keras_iresnet.runs.fields import fields

    found = fields(name)
    names = {field.name: f"--{option(field.name)}" for field in found}
    for field in found:
        placeholder = f"[{'|'.join(field.choices)}]" if field.choices else _PLACEHOLDERS.get(field.type, "NAME,...")
        default = as_text(field.default) or '""'
        among = ""
        if len(placeholder) > _LONGEST_PLACEHOLDER:
            among, placeholder = f"  [one of {', '.join(field.choices or ())}]", "NAME"
        text = f"{_in_words_of_options(field.description, names)}{among}  [default: {default}]"
        yield GroupedOption([names[field.name]], metavar=placeholder, help=text, group=field.group)


def _in_words_of_options(description, names):
    """A docstring's sentence for the command line: `decay="drop"` is --decay drop there."""

    def spelt(code):
        if "(" in code[1]:  # Python's own, which cannot be typed here
            return code[1]
        field, _, value = code[1].replace('"', "").partition("=")
        return f"{names.get(field, field)} {value}".strip().replace("None", "none")

    text = re.sub("`([^`]*)`", spelt, description)
    return text if description.startswith("`") else text[:1].upper() + text[1:]
