"""svmtrain: linear SVM classifiers, trained with the proof beside the model."""

__version__ = "0.1.0"

ALGORITHM = 3
"""Changes when the steps of a run change, so that no checkpoint is continued differently."""
