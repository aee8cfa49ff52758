"""Schedules: each against its formula, by hand and by the slow reference."""

from dataclasses import asdict, replace
from itertools import pairwise

import pytest
import reference

from svmtrain.solvers.schedules import SCHEDULES, Plan

PLAN = Plan(
    lr=0.4,
    total_steps=100,
    steps_per_epoch=10,
    lam=0.01,
    decay=0.5,
    decay_epochs=2,
    power=0.5,
)


@pytest.mark.parametrize("t0", [None, 7.0])
@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_schedule_follows_its_formula(name, t0):
    """Every step of the run, and some beyond it, has the rate of the formula."""
    plan = replace(PLAN, t0=t0)
    for step in range(130):
        want = reference.rate(name, asdict(plan), step)
        assert SCHEDULES[name].rate(plan, step) == pytest.approx(want, rel=1e-12, abs=1e-16)


@pytest.mark.parametrize(
    ("name", "step", "rate"),
    [
        ("constant", 99, 0.4),
        ("linear", 50, 0.2),
        ("linear", 100, 0.0),
        ("cosine", 50, 0.2),
        ("cosine", 100, 0.0),
        ("step", 19, 0.4),
        ("step", 20, 0.2),
        ("step", 40, 0.1),
        ("exponential", 20, 0.2),
        ("exponential", 10, 0.4 * 0.5**0.5),
        ("inverse_scaling", 30, 0.2),
        ("pegasos", 125, 0.2),
    ],
)
def test_schedule_gives_the_figures_worked_out_by_hand(name, step, rate):
    """Figures worked out on paper, apart from any code."""
    assert SCHEDULES[name].rate(PLAN, step) == pytest.approx(rate, rel=1e-12, abs=1e-16)


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_every_schedule_begins_at_lr(name):
    """Step 0 has the rate lr; pegasos too, when it chooses its own offset."""
    assert SCHEDULES[name].rate(PLAN, 0) == pytest.approx(PLAN.lr, rel=1e-15)


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_no_schedule_ever_rises_or_goes_below_zero(name):
    """Rates fall or stay, also beyond the planned end."""
    rates = [SCHEDULES[name].rate(PLAN, step) for step in range(300)]
    assert all(isinstance(rate, float) for rate in rates)
    assert all(left >= right >= 0 for left, right in pairwise(rates))


def test_linear_ends_at_lr_over_the_number_of_steps():
    """The last step still moves: its rate is lr / T."""
    assert SCHEDULES["linear"].rate(PLAN, 99) == pytest.approx(0.4 / 100, rel=1e-12)


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_horizon_is_needed_exactly_where_the_rate_depends_on_it(name):
    """needs_horizon is true for those whose rates change with total_steps, and for no other."""
    rate = SCHEDULES[name].rate
    depends = any(
        rate(replace(PLAN, total_steps=total), step) != rate(PLAN, step)
        for total in (50, 101, 1000)
        for step in range(120)
    )
    assert SCHEDULES[name].needs_horizon is depends


def test_pegasos_with_an_offset_ignores_lr():
    """With t0 given, the rate is 1 / (2 lambda (t + t0)), whatever lr is."""
    rate = SCHEDULES["pegasos"].rate
    assert rate(replace(PLAN, t0=10.0), 40) == pytest.approx(1.0, rel=1e-12)
    assert rate(replace(PLAN, t0=10.0, lr=99.0), 40) == rate(replace(PLAN, t0=10.0), 40)
