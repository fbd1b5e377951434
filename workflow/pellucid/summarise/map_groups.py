"""Groups of maps: spectral relevance analysis, which finds the different ways in which a class is explained.

Lapuschkin S, Wäldchen S, Binder A, Montavon G, Samek W, Müller K-R. Unmasking Clever Hans predictors and assessing what
machines really learn. Nature Communications 10:1096 (2019), methods, "spectral relevance analysis": the maps of a class
are made coarse, joined to their nearest neighbours, and clustered by the eigenvectors of the graph's Laplacian. The
largest gap between its eigenvalues gives the number of clusters.

Here a map is the share of absolute attribution in each place and channel, and the distance between two maps is
Hellinger's: that between the square roots of their shares.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.shared.measured_maps import MeasuredMaps
from pellucid.summarise.by_class import by_class
from pellucid.summarise.places import Places

# Places of the coarse maps along each axis, and the most channels that are kept apart.
SERIES_PLACES, IMAGE_PLACES, MOST_CHANNELS = 32, 12, 16
NEIGHBOURS = 10
MOST_CLUSTERS = 8
# A class with fewer examples is one group; of larger classes only so many examples are clustered.
FEWEST, MOST = 20, 2000
_EXAMPLES = 256  # read at a time


@dataclass(frozen=True)
class MapGroup:
    """A cluster of the maps of one class.

    Attributes:
        output: of the model, for which the examples stand.
        name: of the class.
        number: of the cluster, from 1, the largest first.
        rows: int64, the measured examples in it, the most typical (nearest to the mean) first.
    """

    output: int
    name: str
    number: int
    rows: NDArray[np.int64]


@dataclass(frozen=True)
class Grouping:
    """The groups of all classes.

    Attributes:
        groups: class by class.
        eigenvalues: by class, the smallest eigenvalues of the Laplacian; empty for a class that is not clustered.
        unused: by class, how many examples were not clustered: their maps are zero everywhere, or they are too many.
    """

    groups: list[MapGroup]
    eigenvalues: dict[str, list[float]]
    unused: dict[str, int]


def coarse_maps(maps: MeasuredMaps) -> NDArray[np.float32]:
    """Return the square roots of the coarse shares of every example, (N, places × channels); NaN for a zero map."""
    shape = maps.shape[:-1]
    places = Places.of(shape, SERIES_PLACES if len(shape) == 1 else IMAGE_PLACES)
    features = []
    for start in range(0, len(maps), _EXAMPLES):
        shares = maps.shares(np.arange(start, min(start + _EXAMPLES, len(maps))))
        empty = np.isnan(shares).all(axis=tuple(range(1, shares.ndim)))
        sums = places.sums(shares)
        if sums.shape[-1] > MOST_CHANNELS:
            sums = sums.sum(-1, keepdims=True)
        sums[empty] = np.nan
        features.append(np.sqrt(sums).reshape(len(sums), -1).astype(np.float32))
    return np.concatenate(features)


def group(features: NDArray[np.float32], labels: NDArray[np.int64], classes: Sequence[str]) -> Grouping:
    """Return the groups of the maps of each class.

    Args:
        features: what `coarse_maps` returns.
        labels: (N,) the output that each example stands for.
        classes: names of the outputs.
    """
    groups: list[MapGroup] = []
    eigenvalues: dict[str, list[float]] = {}
    unused: dict[str, int] = {}
    for members in by_class(labels, classes):
        rows = members.rows[np.isfinite(features[members.rows]).all(1)]
        # Evenly over the class, without a draw.
        if len(rows) > MOST:
            rows = rows[np.linspace(0, len(rows) - 1, MOST).astype(np.int64)]
        unused[members.name] = len(members.rows) - len(rows)
        clusters, smallest = clustered(features[rows])
        eigenvalues[members.name] = [round(float(value), 6) for value in smallest]
        sizes = np.bincount(clusters) if len(clusters) else np.zeros(0, np.int64)
        for number, cluster in enumerate(np.argsort(-sizes, kind="stable"), start=1):
            inside = rows[clusters == cluster]
            distance = np.linalg.norm(features[inside] - features[inside].mean(0), axis=1)
            groups.append(MapGroup(members.output, members.name, number, inside[np.argsort(distance, kind="stable")]))
    return Grouping(groups, eigenvalues, unused)


def clustered(features: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the cluster of each map (n,), and the smallest eigenvalues of the Laplacian.

    The graph joins each map to its 10 nearest ones. Its normalised Laplacian has as many small eigenvalues as there are
    clusters; their number, at most 8, is where the gap to the next eigenvalue is largest. The same maps give the same
    clusters: nothing is drawn.
    """
    from scipy.sparse.csgraph import laplacian
    from sklearn.cluster import SpectralClustering
    from sklearn.neighbors import kneighbors_graph

    count = len(features)
    if count < FEWEST or np.ptp(features, axis=0).max() < 1e-6:
        return np.zeros(count, np.int64), np.zeros(0)
    joined = kneighbors_graph(features, NEIGHBOURS, include_self=False)
    affinity = (0.5 * (joined + joined.T)).toarray()
    smallest = np.linalg.eigvalsh(laplacian(affinity, normed=True))[: MOST_CLUSTERS + 1]
    number = int(np.argmax(np.diff(smallest))) + 1
    if number == 1:
        return np.zeros(count, np.int64), smallest
    model = SpectralClustering(number, affinity="precomputed", assign_labels="cluster_qr", random_state=0)
    with warnings.catch_warnings():
        # Pieces that no edge joins are what is looked for: their eigenvalue is 0.
        warnings.filterwarnings("ignore", "Graph is not fully connected", UserWarning)
        return np.asarray(model.fit_predict(affinity), np.int64), smallest
