"""What all tests share: quiet logs, reproducible weights, the global precision policy put back."""

import collections
import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import hypothesis.strategies
import pytest

# Graphs that tests have left are cycles, and TensorFlow takes them apart so slowly that a collection stops a worker for
# most of a minute, in whatever test it comes. Left alone, they need 4 GiB until the worker ends.
gc.disable()

# The assertions of helpers explain themselves as those of tests do.
pytest.register_assert_rewrite("oracles", "layer_case")

# Graphs are traced inside examples: no deadline. Derandomised: a failure is one for everybody.
hypothesis.settings.register_profile("repository", deadline=None, max_examples=15, derandomize=True)
hypothesis.settings.load_profile("repository")


@hypothesis.given(hypothesis.strategies.none())
def _first_example(nothing):
    """The first example of a process, before which Hypothesis collects by itself: there is little as yet."""
    del nothing


_first_example()


@pytest.hookimpl(tryfirst=True)  # before those that are slow are left out
def pytest_collection_modifyitems(items):
    """Of the cases of a test with `@pytest.mark.sweep(n)` every n-th is fast, from the first on, the others slow."""
    seen = collections.Counter()
    for item in items:
        sweep = item.get_closest_marker("sweep")
        if sweep:
            test = item.nodeid.partition("[")[0]
            if seen[test] % sweep.args[0]:
                item.add_marker(pytest.mark.slow)
            seen[test] += 1


@pytest.fixture(autouse=True)
def seeded():
    """Initial weights drawn inside a test are the same in every run and in any order of the tests."""
    import keras

    keras.utils.set_random_seed(20190609)


@pytest.fixture(autouse=True)
def dtype_policy():
    """Put back the global precision policy that a test has changed."""
    import keras

    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)
