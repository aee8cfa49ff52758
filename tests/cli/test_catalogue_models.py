"""Bad models through the command line: exit code 4, one line that names the file, no change."""

import pytest
from bad_models import MODELS, as_model
from small_runs import start, tree, write_config
from tone import faults_of

from svmtrain import container

COMMANDS = {
    "predict": ("predict", "bad.npz", "train.csv"),
    "predict to a file": ("predict", "bad.npz", "train.csv", "-o", "labels.txt"),
    "evaluate": ("evaluate", "bad.npz", "train.csv"),
    "model show": ("model", "show", "bad.npz"),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Return the bytes of a good model, and of a checkpoint of the same run."""
    run = start(write_config(tmp_path_factory.mktemp("good")), "run")
    return run.model.read_bytes(), run.checkpoint_files()[0].read_bytes()


def refused(here, call, words, message, name="bad.npz"):
    """Run a command line that must end with code 4 and one line, and change nothing."""
    before = tree(here)
    code, out, err = call(*words)
    assert (code, out) == (4, ""), err
    assert tree(here) == before
    assert err.startswith(f"svmtrain: error: {name}: ")
    assert message in err
    assert len(err) < 300
    assert faults_of(err) == []


@pytest.mark.parametrize(("forgery", "message"), MODELS.values(), ids=MODELS)
def test_a_bad_model_ends_every_command_that_loads_it(here, call, good, forgery, message):
    """Whatever is wrong is told before a row is read, and no output is begun."""
    (here / "bad.npz").write_bytes(forgery(*good))
    for words in COMMANDS.values():
        refused(here, call, words, message)


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_the_forgeries_start_from_a_model_that_is_taken(here, call, good, words):
    """The same commands end well with the model that was not forged."""
    (here / "bad.npz").write_bytes(good[0])
    code, _, err = call(*words)
    assert (code, err) == (0, "")


def test_92_a_model_is_no_checkpoint_and_a_checkpoint_is_a_model(here, call, good):
    """Only where a run is to go on does it matter; then neither passes for the other."""
    model, checkpoint = good
    run = start(here / "c.yaml", "run")
    (here / "some.npz").write_bytes(checkpoint)
    assert call("predict", "some.npz", "train.csv")[0] == 0
    newest, *others = run.checkpoint_files()
    for path in others:
        path.unlink()
    for content in (model, as_model(model, checkpoint)):
        assert container.unpack(content, "m.npz")[0]["format"] == "svmtrain-model"
        newest.write_bytes(content)
        message = f"{newest.name} is a 'svmtrain-model'; expected svmtrain-checkpoint"
        refused(here, call, ("resume", "runs/run"), message, "runs/run")
