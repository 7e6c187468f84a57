"""Which run is meant: a new one, or one that is there and goes on."""

import dataclasses
import inspect
import os
from collections.abc import Mapping
from typing import Any

from keras_iresnet import zoo
from keras_iresnet.data import Reading
from keras_iresnet.runs.run_folder import RunFolder, default_path
from keras_iresnet.runs.settings import Settings, resolve
from keras_iresnet.runs.state.state_file import as_json


def settings_of(
    name: str | None,
    out: str | os.PathLike | None,
    resume: str | os.PathLike | None,
    overrides: Mapping[str, Any] | None,
) -> Settings:
    """The settings of the run that `train` is asked for; its arguments.

    Raises:
        ValueError: neither a model nor a run is named, or what is given is not what the run in `resume` is.
    """
    if resume is not None and out is not None:
        raise ValueError(f"`resume` must go without `out`: it names the folder. Received: out={str(out)!r}")
    if resume is None or not RunFolder(resume).begun:
        if name is None:
            what = "`resume` must be the folder of a run" if resume else "`name` must be a model of the zoo"
            raise ValueError(f"{what}. Received: name=None, resume={resume and str(resume)!r}")
        return resolve(name, overrides)
    if RunFolder(resume).read_metrics().get("steps") == 0:
        raise ValueError(
            "`resume` must be a run that `train` began; a new one begins with its weights by `init_from`. "
            f"Received: {resume}, which was imported"
        )
    config = RunFolder(resume).read_config("overrides")
    asked = dict(overrides or {}) if name else config["overrides"] | dict(overrides or {})
    given = resolve(name or config["name"], asked)
    if given.name == config["name"]:
        given = resolve(given.name, _defaults_of_before(config, given) | asked)
    _require_same(config, given, resume)
    return given


def open_run(name: str, out: str | os.PathLike | None, resume: str | os.PathLike | None) -> RunFolder:
    """The folder of the run: one that has begun, or a new one."""
    if resume is not None and RunFolder(resume).begun:
        return RunFolder(resume)
    folder = out if resume is None else resume
    return RunFolder.create(default_path(name) if folder is None else folder)


def started_with(resume: str | os.PathLike | None, option: str) -> Any:
    """What the run in `resume` was given as `data_dir` or `deterministic`; `None` where there is no run yet."""
    run = None if resume is None else RunFolder(resume)
    return run.read_config().get(option) if run and run.begun else None


def identity(settings: Settings) -> dict:
    """What makes a run the one it is, as it comes back from JSON."""
    found = {"name": settings.name, "recipe": settings.recipe_fields(), "builder": settings.keywords}
    return as_json(found | {"reading": settings.reading.given()})


def differing(given: dict, known: dict) -> list[str]:
    """What of one `identity` is not as another has it; one that the other did not know yet is as by default.

    A builder's keyword and a field of the recipe have their defaults there.

    Folders of before the zoo's records say how many examples initialised them, which is over: `None` agrees with that.
    """
    here, there = _flat(given), _recipe_defaults() | builder_defaults(given["name"]) | _flat(known)
    if here.get("initialization_batch") is None:
        here.pop("initialization_batch", None)
    return [
        f"{field}={value!r}, not {there.get(field)!r}" for field, value in here.items() if value != there.get(field)
    ]


def _require_same(config, given, path):
    """Refuse settings that are not those of the run; what the data decided is for later."""
    known = {**config, "recipe": {**config["recipe"]}, "builder": {**config["builder"]}}
    asked = identity(given)
    for field in set(config.get("fitted", ())) - set(given.overrides):
        for part in ("recipe", "builder"):
            known[part].pop(field, None)
            asked[part].pop(field, None)
    if found := differing(asked, known):
        raise ValueError(
            "A run goes on with its own settings; a new one begins with its weights by `init_from`. "
            f"Received for {path}: {'; '.join(found)}"
        )


def _defaults_of_before(config, given):
    """Field -> value of what the run took by default where today's default is another: a run keeps its own."""
    known, today = {**config["recipe"], **config["builder"]}, as_json(given.recipe_fields() | given.keywords)
    said = {*config["overrides"], *config.get("fitted", ())}
    return {
        field: value
        for field, value in known.items()
        if field not in said and value is not None and today.get(field, value) != value
    }


def builder_defaults(name: str) -> dict[str, Any]:
    """A builder's keywords as they are where nothing is said, of which a folder may not know the latest.

    A size of a builder may have made one of them its own since: what counts is the builder's.
    """
    try:
        builder = zoo.get(name).builder
    except ValueError:  # of no registered model: nothing is known but what the folder says
        return {}
    parameters = inspect.signature(getattr(builder, "base", builder)).parameters.values()
    return as_json({one.name: one.default for one in parameters if one.default is not one.empty})


def _recipe_defaults():
    fields = dataclasses.fields(zoo.Recipe)
    return as_json({of.name: of.default for of in fields if of.default is not dataclasses.MISSING})


def _flat(config):
    reading = as_json({of.name: of.default for of in dataclasses.fields(Reading)})  # folders of before know none
    return {"name": config["name"]} | config["recipe"] | config["builder"] | reading | config.get("reading", {})
