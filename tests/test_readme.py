"""The README tells the truth: its commands run, and print what it shows."""

import pytest
from readme_blocks import README, ROOT, outline, steps_of

from svmtrain.cli import COMMANDS


def test_every_command_of_the_readme_prints_what_the_readme_shows(printed):
    """Commands run in order, in one folder; numbers may differ from machine to machine."""
    found = steps_of(README)
    assert len(found) > 10
    for step in found:
        assert outline(printed(step.command)) == outline(step.output), step.command


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_readme(name: str) -> None:
    """What cannot be found in the README does not exist for a user."""
    assert f"svmtrain {name}" in README.read_text()


def test_the_two_commands_of_a_fresh_machine_are_targets_of_the_makefile() -> None:
    """`make demo` and `make test` are what the README promises."""
    text, makefile = README.read_text(), (ROOT / "Makefile").read_text()
    for target in ("demo", "test"):
        assert f"make {target}" in text
        assert f"\n{target}:" in makefile
