# SPDX-License-Identifier: GPL-3.0-or-later
"""Training curves as a picture."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot


def draw_curves(history: list[dict[str, float]], path: Path) -> None:
    """Draw the figures of all epochs: errors above, losses below.

    Args:
        history: One row of figures an epoch.
        path: PNG to write.
    """
    epochs = range(1, len(history) + 1)
    figure, (errors, losses) = pyplot.subplots(2, 1, figsize=(7, 7), sharex=True)
    for name in ("train", "test"):
        errors.plot(epochs, [row[name] for row in history], label=name)
    errors.set_ylabel("median error, % of torso")
    for name in ("position", "structure", "spine"):
        if name in history[0]:
            losses.plot(epochs, [row[name] for row in history], label=name)
    losses.set_yscale("symlog", linthresh=0.01)
    losses.set_ylabel("loss")
    losses.set_xlabel("epoch")
    for axes in (errors, losses):
        axes.grid(alpha=0.3)
        axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
