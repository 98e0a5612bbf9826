"""What a model must beat, on the interface of the model: a movie in, a Prediction out."""

from sceneviz.baselines.simple import color_histogram, constant

__all__ = ["color_histogram", "constant"]
