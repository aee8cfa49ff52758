"""Write the data files of this folder, byte for byte, from the copies inside scikit-learn.

`python -m pip install scikit-learn`, then `python data/make_data.py`; SHA256SUMS has the digests.
"""

from collections.abc import Iterable
from pathlib import Path

from sklearn.datasets import load_breast_cancer, load_digits, load_iris

HERE = Path(__file__).resolve().parent


def write(name: str, lines: Iterable[str]) -> None:
    """Write lines that end in a line feed, whatever the system."""
    (HERE / name).write_bytes("".join(f"{line}\n" for line in lines).encode("ascii"))


def digits() -> Iterable[str]:
    """Yield a header, then 64 integer pixels and the digit."""
    bunch = load_digits()
    yield ",".join([*bunch.feature_names, "label"])
    for row, label in zip(bunch.data.tolist(), bunch.target.tolist(), strict=True):
        yield ",".join([*(str(int(value)) for value in row), str(label)])


def iris() -> Iterable[str]:
    """Yield a header, then four lengths in cm and the name of the species."""
    bunch = load_iris()
    names = [name.removesuffix(" (cm)").replace(" ", "_") + "_cm" for name in bunch.feature_names]
    yield ",".join([*names, "species"])
    for row, label in zip(bunch.data.tolist(), bunch.target.tolist(), strict=True):
        yield ",".join([*map(repr, row), str(bunch.target_names[label])])


def breast_cancer() -> Iterable[str]:
    """Yield 1 (malignant) or -1 (benign) and the values that are not 0, numbered from 1."""
    bunch = load_breast_cancer()
    sign = {"malignant": "1", "benign": "-1"}
    for row, label in zip(bunch.data.tolist(), bunch.target.tolist(), strict=True):
        values = (f"{index}:{value!r}" for index, value in enumerate(row, 1) if value)
        yield " ".join([sign[str(bunch.target_names[label])], *values])


if __name__ == "__main__":
    write("digits.csv", digits())
    write("iris.csv", iris())
    write("breast_cancer.svm", breast_cancer())
