"""The commands that repeat a run, check it and use it."""

from __future__ import annotations

import shlex

from svmtrain.report.story import Story


def commands(story: Story) -> list[tuple[str, str]]:
    """Return what each command does, and the command, with the paths of this machine."""
    run = shlex.quote(str(story.run.path))
    found = [
        ("Train it again, into another folder", f"svmtrain fit {run}/config.yaml --name again"),
        ("Make it again in memory and compare every step", f"svmtrain verify {run}"),
    ]
    words = story.info.get("command")
    if isinstance(words, list) and words:
        typed = " ".join(shlex.quote(str(word)) for word in words)
        found.insert(0, ("What was typed to make it", typed))
    if story.model is not None:
        found += [
            ("Check the gradient at its weights", f"svmtrain gradcheck {run}"),
            ("Judge it on other rows", f"svmtrain evaluate {run} FILE"),
            ("Label rows with it", f"svmtrain predict {run} FILE -o labels.txt"),
        ]
    return found
