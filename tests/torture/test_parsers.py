"""Every parser that takes foreign bytes, with inputs that are nearly right and with random ones."""

import tempfile
from collections import Counter

import pytest
from extent import extent
from hypothesis import HealthCheck, Phase, given, settings

from tests.fuzz.judge import ACCEPTED, REFUSED, UNFIT, judge
from tests.fuzz.mutations import mutated
from tests.fuzz.targets import TARGETS

EXAMPLES = extent(12, 2000)


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_no_input_breaks_a_parser(target, figures):
    """Only our errors, in one line, in time and in bounds; see `tests/fuzz/judge.py`."""
    seeds = list(target.seeds().values())
    seen = Counter()

    with tempfile.TemporaryDirectory() as folder:

        @settings(
            max_examples=EXAMPLES,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
        )
        @given(mutated(seeds))
        def try_all(content):
            seen[judge(target, content, folder)] += 1

        for seed in seeds:  # what is imported only when needed is no cost of an input
            judge(target, seed, folder, measured=False)
        try_all()
    assert seen.total() >= EXAMPLES
    figures(
        f"{target.name}: examples (accepted, refused, unfit)",
        f"{seen.total()} ({seen[ACCEPTED]}, {seen[REFUSED]}, {seen[UNFIT]})",
    )
