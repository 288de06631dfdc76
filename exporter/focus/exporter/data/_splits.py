"""Who goes into training, validation and test, without tearing a group apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from focus.exporter.data._windows import SPLITS
from focus.runtime import FocusError

#: Shares of validation and test where the manifest has no split column.
VAL_SHARE = TEST_SHARE = 0.15


def require_whole_groups(groups: Sequence[str], splits: Sequence[int], source: str, what: str = "group") -> None:
    """Refuses a group that stands on both sides of a split: its members resemble each other, so the test would flatter.

    Args:
        what: to call it, for messages.
    Raises:
        FocusError: names the first such group.
    """
    seen: dict[str, int] = {}
    for group, split in zip(groups, splits, strict=True):
        first = seen.setdefault(group, split)
        if first != split:
            raise FocusError(
                f"{source}: {what} {group} is in {SPLITS[first]} and in {SPLITS[split]}; put all of a {what} into one "
                "split, or leave the split column out (or add --i-know-it-leaks)"
            )


def split_groups(groups: Sequence[str], labels: Sequence[str], seed: int) -> NDArray[np.int8]:
    """Splits by group, at random, each class (of a group's first member) in the same proportion; training comes first.

    A class with one or two groups stays in training; from three groups on it also has one in test, from four on one in
    validation.

    Args:
        groups: one a row; labels: one a row, all equal for regression.
    Returns: int8, indices into ``SPLITS``, one a row.
    """
    label_of: dict[str, str] = {}
    for group, label in zip(groups, labels, strict=True):
        label_of.setdefault(group, label)
    rng = np.random.default_rng([seed, 77])
    split_of: dict[str, int] = {}
    for label in sorted(set(label_of.values())):
        members = sorted(group for group, own in label_of.items() if own == label)
        order = [members[index] for index in rng.permutation(len(members))]
        count = len(order)
        test = max(round(TEST_SHARE * count), 1 if count >= 3 else 0)
        val = max(round(VAL_SHARE * count), 1 if count >= 4 else 0)
        for place, group in enumerate(order):
            split_of[group] = 2 if place < test else 1 if place < test + val else 0
    return np.array([split_of[group] for group in groups], np.int8)


def chosen_split(
    choice: str, groups: Sequence[str], labels: Sequence[str], seed: int, *, leaks: bool, source: str, unit: str
) -> NDArray[np.int8]:
    """``grouped``: by ``split_groups``. ``random``: every window for itself, which has to be asked for twice.

    Args:
        leaks: the user said ``--i-know-it-leaks``.
        source: the data set; unit: what a group is, for messages: "plot", "plant".
    Raises:
        FocusError: no such split, or a random one that nobody owned up to.
    """
    if choice == "grouped":
        return split_groups(groups, labels, seed)
    if choice != "random":
        raise FocusError(f"{source}: split must be grouped or random, got {choice!r}")
    if not leaks:
        raise FocusError(
            f"{source}: split=random puts windows of one {unit} into training and test; they share nearly everything, "
            "so the test would measure memory. Leave split= out, or add --i-know-it-leaks if you want just that"
        )
    return split_groups([str(number) for number in range(len(labels))], labels, seed)


def split_note(choice: str, unit: str) -> tuple[str, ...]:
    """What is said of a random split, wherever the data are named."""
    if choice == "grouped":
        return ()
    return (f"the split is random: windows of one {unit} stand on both sides, so the figures flatter",)
