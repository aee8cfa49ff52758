"""A command line that cannot be read: what was probably meant."""

import pytest
from small_runs import start

from svmtrain.exchange.forms import EXPORTS


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("--epochs", "5"), "--set solver.epochs=5"),
        (("--batch-size=16",), "--set solver.batch_size=16"),
        (("--lambda", "1e-3"), "--set objective.lambda=1e-3"),
        (("--loss", "a b"), "--set objective.loss='a b'"),
        (("--lr",), "--set solver.lr=VALUE"),
        (("--seed", "3"), "--set data.seed=3 or --set solver.seed=3"),
    ],
)
def test_a_setting_in_place_of_an_option_is_asked_about(told, words, meant):
    """By the table of the keys, with the value that was given."""
    option = words[0].partition("=")[0]
    for command in ("fit", "resume", "doctor"):
        expected = f"No such option: {option} (did you mean {meant}?) (see svmtrain {command}"
        assert told(2, command, "c.yaml", *words).startswith(expected)
    assert "--set" not in told(2, "predict", "m", "d", *words)


def test_options_that_are_missing_are_shown(told, here):
    """With what they may be; a form in capitals and a range of other programs are understood."""
    start(here / "c.yaml", "ref")
    assert all(form in told(2, "export", "runs/ref") for form in EXPORTS)
    assert told(2, "export", "runs/ref", "--to", "ONNX").endswith("(did you mean onnx?)")
    assert "such as --grid objective.lambda=log:" in told(2, "sweep", "c.yaml")
    for given, count in (("0.1..1", 5), ("0.1:1", 5), ("0.1:1:4", 4)):
        message = told(2, "sweep", "c.yaml", "--grid", f"objective.lambda={given}")
        assert f"log:LOW:HIGH:N or lin:LOW:HIGH:N, such as objective.lambda=log:0.1:1:{count}" in (
            message
        )


def test_no_word_at_all_shows_the_help(call):
    """As wrong usage: on stderr."""
    code, out, err = call()
    assert (code, out) == (2, "")
    assert err == call("--help")[1]
