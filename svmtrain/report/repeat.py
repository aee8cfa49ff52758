"""The commands that repeat a run, check it and use it."""

from __future__ import annotations

import shlex

from svmtrain.report.story import Story


def fit_again(story: Story) -> str:
    """Return the command that trains a run again, under another name."""
    run = shlex.quote(str(story.run.path))
    return f"svmtrain fit {run}/config.yaml --name {shlex.quote(story.run.path.name + '-again')}"


def commands(story: Story) -> list[tuple[str, str]]:
    """Return what each command does, and the command, with the paths of this machine."""
    run = shlex.quote(str(story.run.path))
    found = [
        ("Train it again, into another folder", fit_again(story)),
        ("Make it again in memory and compare every step", f"svmtrain verify {run}"),
    ]
    words = story.info.get("command")
    if isinstance(words, list) and words:
        typed = " ".join(shlex.quote(str(word)) for word in words)
        found.insert(0, ("What was typed to begin it", typed))
    if story.model is not None:
        found += [
            ("Check the gradient at its weights", f"svmtrain gradcheck {run}"),
            ("Judge it on other rows", f"svmtrain evaluate {run} FILE"),
            ("Label rows with it", f"svmtrain predict {run} FILE -o labels.txt"),
        ]
    return found
