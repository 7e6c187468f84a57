"""Classifiers of the zoo, one file a data set: the builder, and its recipe beside it.

Imported by the registry in `zoo`; knows `models` and all below them.
"""
