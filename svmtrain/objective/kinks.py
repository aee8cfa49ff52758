"""Where the losses have kinks: along a line in the parameters every margin is linear.

So the distance to the nearest kink in any direction is known in closed form, and a difference
quotient with a step below it meets an exactly linear (or quadratic) function.
"""

from __future__ import annotations

import numpy as np

from svmtrain.objective.losses import Classes, Floats


def kink_lines(
    loss: str, scores: Floats, slopes: Floats, y: Classes, delta: float
) -> tuple[Floats, Floats]:
    """Return the linear functions of t whose zeros are the kinks at scores + t slopes.

    Parameters
    ----------
    loss : str
        A name in `LOSSES`.
    scores, slopes : ndarray (n, n_classes)
        The scores, and how fast they change along the line.
    y : ndarray (n,)
    delta : float

    Returns
    -------
    values, slopes : ndarray (any,)
        Each function at t = 0, and its slope.
    """
    rows = np.arange(len(y))
    others = np.ones(scores.shape, dtype=bool)
    if loss.startswith("one_vs_rest"):
        sign = np.ones_like(scores)
        sign[rows, y] = -1
        return (delta + sign * scores)[others], (sign * slopes)[others]
    others[rows, y] = False
    margins = scores - scores[rows, y][:, np.newaxis] + delta
    speeds = slopes - slopes[rows, y][:, np.newaxis]
    if loss.startswith("weston_watkins"):
        return margins[others], speeds[others]
    margins[rows, y] = 0
    top = margins.argmax(axis=1)
    others[:] = True
    others[rows, top] = False
    gaps = margins[rows, top][:, np.newaxis] - margins
    return gaps[others], (speeds[rows, top][:, np.newaxis] - speeds)[others]
