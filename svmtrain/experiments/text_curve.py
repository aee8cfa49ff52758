"""A learning curve drawn with letters."""

from __future__ import annotations

from collections.abc import Sequence

from svmtrain.experiments.learning import CurvePoint

WIDTH = 40


def drawn(points: Sequence[CurvePoint]) -> str:
    """Return the curve as text: v is the validation accuracy in its interval, t the training's."""
    values = [v for p in points for v in (p.low, p.high, p.train_accuracy)]
    low, high = min(values, default=0.0), max(values, default=1.0)
    scale = (WIDTH - 1) / (high - low) if high > low else 0.0
    width = max((len(f"{p.rows:,}") for p in points), default=1)
    lines = []
    for p in points:
        line = [" "] * WIDTH
        for place in range(round((p.low - low) * scale), round((p.high - low) * scale) + 1):
            line[place] = "-"
        line[round((p.train_accuracy - low) * scale)] = "t"
        line[round((p.validation_accuracy - low) * scale)] = "v"
        lines.append(f"{p.rows:>{width},} rows |{''.join(line)}|")
    ends = f"{low:.4f}{f'{high:.4f}'.rjust(WIDTH - len(f'{low:.4f}'))}"
    return "\n".join([*lines, " " * (width + 7) + ends])
