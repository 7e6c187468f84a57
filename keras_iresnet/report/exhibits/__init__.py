"""One file for each figure or table of the paper, or for those that are made of the same.

The report's page knows them as `EXHIBITS`, in order; they do not know each other.
"""

from keras_iresnet.report.exhibits import (
    drawn_images,
    error_tables,
    images_back,
    inverse_error,
    latent_walks,
    likelihood_table,
    log_det_error,
    norms_by_layer,
    one_dimension,
    plane_densities,
    properties_table,
)

EXHIBITS = (
    one_dimension.EXHIBIT,
    plane_densities.EXHIBIT,
    images_back.EXHIBIT,
    log_det_error.EXHIBIT,
    drawn_images.EXHIBIT,
    latent_walks.EXHIBIT,
    norms_by_layer.EXHIBIT,
    inverse_error.EXHIBIT,
    properties_table.EXHIBIT,
    error_tables.ERROR_BY_COEFF,
    error_tables.OTHER_CLASSIFIERS,
    likelihood_table.EXHIBIT,
)

__all__ = ["EXHIBITS"]
