"""The keywords of the zoo, and the priors that they ask for."""

import pytest

from keras_iresnet.priors import DiagonalNormal, FactorAnalyzers, NormalMixture, StandardNormal, from_keywords


def test_each_combination_is_a_prior():
    assert type(from_keywords()) is DiagonalNormal
    assert type(from_keywords(learned_prior=False)) is StandardNormal
    mixture = from_keywords(prior_components=3, trained_prior=False)
    assert (type(mixture), mixture.components, mixture.trainable) == (NormalMixture, 3, False)
    analyzers = from_keywords(prior_components=3, prior_factors=2)
    assert (type(analyzers), analyzers.components, analyzers.factors) == (FactorAnalyzers, 3, 2)
    assert analyzers.trainable
    assert not from_keywords(trained_prior=False).trainable


@pytest.mark.parametrize("count", [0, -1, 1.5, True, None])
def test_what_is_no_number_of_components_is_refused(count):
    with pytest.raises(ValueError, match="`prior_components` must be an integer of at least 1"):
        from_keywords(prior_components=count)


@pytest.mark.parametrize("factors", [-1, 1.0, True, None])
def test_what_is_no_number_of_factors_is_refused(factors):
    with pytest.raises(ValueError, match="`prior_factors` must be an integer of at least 0"):
        from_keywords(prior_factors=factors)


def test_a_fixed_prior_of_several_is_refused():
    with pytest.raises(ValueError, match="`prior_components` above 1 need a learned prior"):
        from_keywords(prior_components=2, learned_prior=False)


def test_factors_of_a_fixed_prior_are_refused():
    with pytest.raises(ValueError, match="`prior_factors` above 0 need a learned prior"):
        from_keywords(prior_factors=1, learned_prior=False)
