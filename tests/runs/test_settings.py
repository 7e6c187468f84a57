import re

import keras
import pytest

from keras_iresnet import zoo
from keras_iresnet.layers import InvertibleResidualBlock
from keras_iresnet.runs import settings
from keras_iresnet.runs.settings import resolve


def test_defaults_are_those_of_the_recipe_and_the_builder():
    found = resolve("digits_flow")
    assert found.recipe == zoo.get("digits_flow").recipe
    assert found.keywords["channels"] == 64
    assert found.overrides == {}


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("epochs", "3", 3),
        ("learning_rate", "1e-3", 0.001),
        ("clip_norm", "none", None),
        ("clip_norm", "2", 2.0),
        ("blocks", "2,4", (2, 4)),
        ("blocks", "3", (3,)),
        ("learned_prior", "false", False),
        ("learned_prior", "True", True),
        ("activation", "relu", "relu"),
        ("dataset", "toy/moons", "toy/moons"),
        ("steps", "5", 5),
        ("minutes", "0.5", 0.5),
        ("diagnostics", "yes", True),
    ],
)
def test_text_takes_the_type_of_the_field_and_the_field_reaches_its_place(field, text, value):
    found = resolve("digits_flow", {field: text})
    place = vars(found.recipe) if hasattr(found.recipe, field) else found.keywords
    assert place[field] == value
    assert type(place[field]) is type(value)
    assert found.overrides == {field: value}


def test_values_are_taken_as_they_are_where_they_fit():
    found = resolve("digits_flow", {"blocks": [2, 4], "learning_rate": 1, "learned_prior": True})
    assert found.keywords["blocks"] == (2, 4)
    assert found.recipe.learning_rate == 1.0
    assert isinstance(found.recipe.learning_rate, float)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", "many"),
        ("epochs", "1.5"),
        ("epochs", 1.5),
        ("epochs", True),
        ("batch_size", "none"),
        ("learning_rate", "fast"),
        ("blocks", "2,x"),
        ("learned_prior", "maybe"),
        ("dataset", 3),
        ("blocks", ["2"]),
        ("blocks", [True]),
        ("image_size", [2.5]),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"`{field}` must be of type .*Received: {field}={re.escape(repr(value))}"):
        resolve("digits_flow", {field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("batch_size", -1),
        ("initialization_batch", 0),
        ("learning_rate", 0.0),
        ("learning_rate", "nan"),
        ("learning_rate", "inf"),
        ("warmup_steps", -1),
        ("clip_norm", 0.0),
        ("ema_momentum", 1.0),
        ("optimizer", "lion"),
        ("decay", "linear"),
        ("steps", 0),
        ("validation_examples", 0),
        ("minutes", 0.0),
        ("minutes", "inf"),
        ("log_steps", 0),
        ("momentum", 1.0),
        ("weight_decay", -0.1),
        ("warmup_epochs", -1.0),
        ("warmup_epochs", "nan"),
        ("drop_factor", 1.0),
        ("drop_epochs", (3, 2)),
        ("drop_epochs", (0,)),
        ("augmentation", "flip"),
    ],
)
def test_a_number_that_no_run_can_have_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"`{field}` must be .*Received: {field}="):
        resolve("digits_flow", {field: value})


@pytest.mark.parametrize("field", ["chanels", "parameters", "expected", "reference", "units"])
def test_an_unknown_field_is_refused_with_the_known_ones(field):
    known = "batch_size, bins, block, blocks, bounds, branch, certify_action, certify_epochs, channels"
    with pytest.raises(ValueError, match=f"{known}.*Received: {field}"):
        resolve("digits_flow", {field: "1"})


def test_an_unknown_model_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"digits_flow, .*toy_flow, or, .*\. Received: name='no_flow'"):
        resolve("no_flow")


def test_a_field_that_recipe_and_builder_share_has_one_value():
    assert resolve("digits_flow").keywords["seed"] == zoo.get("digits_flow").recipe.seed
    found = resolve("digits_flow", {"seed": "7"})
    assert found.recipe.seed == found.keywords["seed"] == 7


def test_options_say_the_overrides_so_that_they_can_be_read_back():
    overrides = {"blocks": (2, 4), "learning_rate": 0.01, "learned_prior": False, "clip_norm": None, "decay": "cosine"}
    overrides |= {"epochs": None, "minutes": 0.5, "diagnostics": True, "augmentation": "shift"}
    words = resolve("digits_flow", overrides).options()
    assert words[:4] == ["--blocks", "2,4", "--learning-rate", "0.01"]
    read = {word[2:].replace("-", "_"): text for word, text in zip(words[::2], words[1::2], strict=True)}
    assert resolve("digits_flow", read).overrides == overrides


def test_the_model_is_built_with_the_keywords():
    flow = resolve("toy_flow", {"blocks": 1, "units": "5,6"}).build()
    shapes = [tuple(weight.shape) for weight in flow.trainable_weights]
    assert (2, 5) in shapes
    assert (5, 6) in shapes


def test_a_run_without_an_end_is_refused():
    with pytest.raises(ValueError, match="`epochs`, `steps` or `minutes` must end the run"):
        resolve("digits_flow", {"epochs": None})
    assert resolve("digits_flow", {"epochs": None, "steps": 3}).recipe.steps == 3


@pytest.mark.parametrize(
    ("field", "value", "other", "needed"),
    [
        ("momentum", 0.5, "optimizer", "sgd"),
        ("nesterov", True, "optimizer", "sgd"),
        ("drop_factor", 0.1, "decay", "drop"),
        ("drop_epochs", (1, 2), "decay", "drop"),
    ],
)
def test_an_override_without_effect_is_refused(field, value, other, needed):
    with pytest.raises(ValueError, match=f"`{field}` must go with {other}={needed}"):
        resolve("digits_flow", {field: value})
    more = {"drop_epochs": (1, 2)} if needed == "drop" else {}
    assert getattr(resolve("digits_flow", {**more, field: value, other: needed}).recipe, field) == value


def test_drops_need_epochs():
    with pytest.raises(ValueError, match="`drop_epochs` must be given where decay is drop"):
        resolve("digits_flow", {"decay": "drop", "drop_epochs": ""})


def test_nesterov_needs_momentum():
    with pytest.raises(ValueError, match="`nesterov` must be false where momentum is 0"):
        resolve("digits_flow", {"optimizer": "sgd", "momentum": 0.0, "nesterov": True})


def test_overridable_names_what_resolve_takes():
    names = settings.overridable("toy_flow")
    assert {"epochs", "units", "seed"} < set(names)
    assert "expected" not in names


def test_the_model_has_the_precision_of_the_recipe_and_leaves_that_of_others():
    before = keras.config.dtype_policy().name
    flow = resolve("digits_flow", {"blocks": "1", "channels": 2, "precision": "mixed_bfloat16", "remat": "yes"}).build()
    blocks = [layer for layer in flow._flatten_layers() if isinstance(layer, InvertibleResidualBlock)]
    assert [(block.branch.compute_dtype, block.stream_dtype, block.remat) for block in blocks] == [
        ("bfloat16", "float32", True)
    ]
    assert keras.config.dtype_policy().name == before


BASELINES = [
    ("resnet164_classifier", {"dataset": "digits", "blocks": "1,1", "channels": 4}),
    ("digits_classifier", {"blocks": "1,1", "channels": 4, "coeff": "none", "normalization": "batch"}),
]


@pytest.mark.parametrize(("name", "keywords"), BASELINES)
def test_what_a_baseline_cannot_do_is_refused(name, keywords):
    with pytest.raises(ValueError, match=f"`remat` must be false for {name} .*Received: remat=True"):
        resolve(name, keywords | {"remat": True}).build()
    with pytest.raises(ValueError, match=r"mixed policy would round its evaluation\. Received: mixed_bfloat16"):
        resolve(name, keywords | {"precision": "mixed_bfloat16"}).build()
    assert resolve(name, keywords | {"precision": "float64"}).build().stream_dtype == "float64"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"precision": "mixed_float16"}, "`precision` must be one of float32, mixed_bfloat16, float64"),
        ({"accumulation_steps": 0}, "`accumulation_steps` must be at least 1"),
        ({"jit": "maybe"}, "`jit` must be of type bool or none"),
    ],
)
def test_ways_to_compute_that_cannot_be_are_refused(overrides, message):
    with pytest.raises(ValueError, match=message):
        resolve("digits_flow", overrides)
