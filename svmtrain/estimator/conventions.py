"""What scikit-learn expects of every estimator, without importing it where it is not used."""

from __future__ import annotations

import inspect
import sys
from typing import Any, ClassVar, TypeVar

Self = TypeVar("Self", bound="Conventions")


class NotFittedError(ValueError, AttributeError):
    """An estimator that is asked before it is fitted; scikit-learn's own where that is in use."""


def own_or_sklearn(name: str, own: type[Exception]) -> Any:
    """Return an exception of scikit-learn where a program uses it, and else our own.

    Whoever catches scikit-learn's has imported it.
    """
    exceptions = sys.modules.get("sklearn.exceptions")
    return getattr(exceptions, name, own)


class Conventions:
    """Parameters by name, a text, and tags."""

    _estimator_type: ClassVar[str] = "classifier"

    @classmethod
    def _parameters(cls) -> dict[str, inspect.Parameter]:
        """Return the parameters of the constructor by name, sorted."""
        found = dict(inspect.signature(cls.__init__).parameters)
        found.pop("self")
        return dict(sorted(found.items()))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name; none of them is an estimator, so `deep` says nothing."""
        return {name: getattr(self, name) for name in self._parameters()}

    def set_params(self: Self, **params: Any) -> Self:
        """Set parameters by name and return the estimator.

        Raises
        ------
        ValueError
            For a name that is no parameter.
        """
        known = self._parameters()
        for name in params:
            if name not in known:
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self}. "
                    f"Valid parameters are: {list(known)!r}."
                )
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = {name: one.default for name, one in self._parameters().items()}
        changed = [
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if repr(value) != repr(defaults[name])
        ]
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn, which alone asks, wants to know of a classifier."""
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type=self._estimator_type,
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(sparse=True),
        )
