"""The classifier in the conventions of scikit-learn, which need not be installed for it."""

from svmtrain.estimator.classifier import SVMClassifier

__all__ = ["SVMClassifier"]
