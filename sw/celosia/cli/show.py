"""Digits in the terminal, each with its ten scores."""

import numpy as np

from .console import Console

__all__ = ["bar", "draw", "show_digits"]

_SHADES = {True: " ░▒▓█", False: " .:*#"}
_FULL = {True: "█", False: "#"}
_WIDTH = 24
#: Of each kind.
_COUNT = 2


def show_digits(
    console: Console, pixels: np.ndarray, labels: np.ndarray, scores: np.ndarray
) -> None:
    """A few that were recognized and a few that were not.

    Parameters
    ----------
    pixels : uint8 [n, 28, 28]. labels : [n]. scores : float [n, 10].
    """
    right = scores.argmax(axis=1) == labels
    for index in (*np.flatnonzero(right)[:_COUNT], *np.flatnonzero(~right)[:_COUNT]):
        best = int(scores[index].argmax())
        verdict = "right" if right[index] else f"wrong: it is a {labels[index]}"
        console.say()
        console.say(
            f"test image {index}: {best} ({verdict})", style="green" if right[index] else "red"
        )
        picture = draw(pixels[index], console.unicode)
        bars = ["", *_bars(scores[index], console.unicode)]
        bars += [""] * (len(picture) - len(bars))
        lines = [f"{left}  {beside}" for left, beside in zip(picture, bars, strict=True)]
        for line in "\n".join(lines).rstrip().splitlines():
            console.say(line.rstrip())


def draw(pixels: np.ndarray, unicode: bool = True) -> list[str]:
    """uint8 [28, 28] as 14 lines of 28 shades: a character is as high as two pixels."""
    shades = _SHADES[unicode]
    pairs = pixels.reshape(14, 2, 28).astype(int).mean(axis=1)
    levels = np.rint(pairs / 255 * (len(shades) - 1)).astype(int)
    return ["".join(shades[level] for level in row) for row in levels]


def bar(share: float, unicode: bool = True) -> str:
    """A bar of ``share``, 0..1, of the full width."""
    return _FULL[unicode] * round(share * _WIDTH)


def _bars(scores: np.ndarray, unicode: bool) -> list[str]:
    low, high = float(scores.min()), float(scores.max())
    reach = (high - low) or 1.0
    return [
        f"{digit} {score:7.2f} {bar((score - low) / reach, unicode)}"
        for digit, score in enumerate(scores.tolist())
    ]
