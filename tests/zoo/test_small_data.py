import pytest

from keras_iresnet import zoo
from keras_iresnet.zoo.small_data import for_examples


@pytest.mark.parametrize("examples", [1, 7, 8, 160, 511, 512, 10**6])
@pytest.mark.parametrize("name", zoo.builders())
def test_there_are_steps_for_any_number_of_examples(name, examples):
    recipe = for_examples(zoo.get(name).recipe, examples)
    steps = examples // recipe.batch_size
    assert steps >= min(examples, 8)
    assert recipe.batch_size <= zoo.get(name).recipe.batch_size
    assert recipe.warmup_steps <= recipe.epochs * steps / 10
