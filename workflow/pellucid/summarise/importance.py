"""Importance of channels and times: attribution by channel and by place, beside permutation importance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid import tables
from pellucid.explain.shared.measured_maps import MeasuredMaps
from pellucid.summarise.by_class import by_class
from pellucid.summarise.permutation import CHANNEL, PLACE
from pellucid.summarise.places import Places

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "of",
    "number",
    "name",
    "over",
    "class",
    "share",
    "lower quartile",
    "median",
    "upper quartile",
    "loss increase",
    "loss low",
    "loss high",
)
# Fewer channels or places have no order that could agree.
FEWEST = 3
_EXAMPLES = 256  # read at a time


def by_channel_and_place(maps: MeasuredMaps, places: Places) -> dict[str, NDArray[np.float32]]:
    """Return the share of each example's absolute attribution in each channel, (N, channels), and place, (N, places).

    The shares of an example sum to 1 over its channels, and over its places; an example whose map is zero everywhere
    has NaN.
    """
    of_channel, of_place = [], []
    for start in range(0, len(maps), _EXAMPLES):
        shares = maps.shares(np.arange(start, min(start + _EXAMPLES, len(maps))))
        empty = np.isnan(shares).all(axis=tuple(range(1, shares.ndim)))
        sums = places.sums(shares)
        sums[empty] = np.nan
        of_channel.append(sums.sum(1))
        of_place.append(sums.sum(2))
    return {
        CHANNEL: np.concatenate(of_channel).astype(np.float32),
        PLACE: np.concatenate(of_place).astype(np.float32),
    }


def table(
    shares: dict[str, NDArray[np.float32]],
    permuted: pd.DataFrame,
    labels: NDArray[np.int64],
    classes: Sequence[str],
    channel_names: Sequence[str],
    place_names: Sequence[str],
    *,
    per_channel: bool,
) -> pd.DataFrame:
    """Return a row for each channel or place and class: mean and quartiles of the share, and the loss increase.

    Args:
        shares: what `by_channel_and_place` returns.
        permuted: what `permutation.rows_of` returns.
        labels, classes: of the measured examples, and the names of the outputs.
        channel_names, place_names: in the order of the shares.
        per_channel: whether the method gives each channel values of its own. If not, all channels have the same values,
            and are left out.
    """
    import pandas as pd

    wanted = {CHANNEL: channel_names if per_channel and len(channel_names) > 1 else (), PLACE: place_names}
    over = [(tables.ALL, tables.ALL, np.arange(len(labels)))]
    over += [(tables.CLASS, members.name, members.rows) for members in by_class(labels, classes)]
    increases = permuted.set_index(["of", "number", "over", "class"])
    lines: list[tuple[Any, ...]] = []
    for kind, names in wanted.items():
        for number, name in enumerate(names):
            for scope, of_class, rows in over:
                values = shares[kind][rows, number].astype(np.float64)
                values = values[np.isfinite(values)]
                summary = (
                    [float(values.mean()), *np.quantile(values, [0.25, 0.5, 0.75])] if len(values) else [np.nan] * 4
                )
                increase = increases.loc[(kind, number, scope, of_class), ["mean", "low", "high"]]
                lines.append((kind, number, name, scope, of_class, *summary, *increase))
    return pd.DataFrame(lines, columns=COLUMNS)


def agreement(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return Kendall's τ-b between mean shares and loss increases: of channels and of places, for all and each class.

    `tau` is None where there are fewer than 3 channels or places, or one of the two orders has nothing but ties.
    """
    from scipy import stats

    found = []
    for (kind, scope, of_class), part in rows.groupby(["of", "over", "class"], sort=False):
        tau = np.nan
        if len(part) >= FEWEST and part["share"].notna().all():
            tau = float(stats.kendalltau(part["share"], part["loss increase"]).statistic)
        found.append(
            {
                "of": kind,
                "over": scope,
                "class": of_class,
                "tau": round(tau, 6) if np.isfinite(tau) else None,
                "compared": len(part),
            }
        )
    return found
