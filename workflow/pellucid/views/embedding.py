"""Embedding: the last features of the test examples, projected to a plane by PCA and by t-SNE.

PCA preserves large distances and t-SNE small ones. UMAP would show about the same as t-SNE at these sizes, but needs a
compiler at run time, so it is not offered.
"""

from __future__ import annotations

import logging
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid import tables
from pellucid.network.explained_model import ExplainedModel
from pellucid.tasks import SINGLE_LABEL
from pellucid.views.base import ViewData, ViewSpec
from pellucid.views.shared.features import FeatureLayer, feature_layer, features_of
from pellucid.views.shared.sampling import balanced

_BEFORE_TSNE = 50  # principal components that t-SNE starts from, as in van der Maaten and Hinton 2008, section 4.2
_FEWEST = 5

logger = logging.getLogger(__name__)

SPEC = ViewSpec(
    title="Embedding",
    about="Test examples in the space of the features from which the class scores are made, drawn in two dimensions "
    "in two ways. Principal components: large distances have a meaning. t-SNE: neighbours have a meaning, distances "
    "between groups do not. Rings mark examples that the model gets wrong.",
    paper="van der Maaten L, Hinton G. Visualizing Data using t-SNE. Journal of Machine Learning Research 9 (2008)",
    requires=("labels", "layers"),
    needs=("test",),
    texts=("csv",),
    words=("class",),
    # Colours and neighbours are of classes that exclude each other.
    tasks=(SINGLE_LABEL,),
)


def compute(
    model: ExplainedModel,
    data: ViewData,
    rng: np.random.Generator,
    *,
    layer: FeatureLayer = "last_features",
    points: Annotated[
        int, Field(ge=_FEWEST, le=100_000, description="largest number of test examples, the same number of each class")
    ] = 1000,
    perplexity: Annotated[
        float,
        Field(
            ge=1,
            le=10_000,
            description="perplexity of t-SNE: about how many neighbours count; at most a third of the examples",
        ),
    ] = 30,
    neighbours: Annotated[
        int, Field(ge=1, le=10_000, description="number of nearest neighbours whose class is compared")
    ] = 10,
) -> dict[str, NDArray[Any] | str]:
    """Return features of test examples and their two projections.

    Returns:
        `features` (n, units), `pca` and `tsne` (n, 2), `variance` (2,), the share of the variance of each principal
        component, `labels` and `predictions` (n,), `indices` (n,) of the test examples, `neighbours_same` (3,), the
        share of nearest neighbours of the same class in the feature space and in both planes, `chance`, the same for
        randomly drawn examples, `layer`; `csv`, the shares by class. With fewer than five examples, or constant
        features, there are only `layer`, `csv` and `reason`, which the figure shows.

    Raises:
        InputError: no such layer.
    """
    x, labels = data.test
    sampled = balanced(labels, points, rng)
    name = feature_layer(model, layer)
    if len(sampled) < _FEWEST:
        return _left_out(name, f"{len(sampled)} test examples, but a projection needs at least {_FEWEST}")
    values = features_of(model, x, sampled, name)
    if not np.ptp(values, axis=0).any():
        return _left_out(name, f"the features of layer {name} are the same for all test examples")
    y = labels[sampled]
    pca, tsne, variance = planes(values, perplexity)
    spaces = {"features": values, "pca": pca, "tsne": tsne}
    same = {space: same_class(points_in, y, neighbours) for space, points_in in spaces.items()}
    counts = np.bincount(y)
    arrays: dict[str, Any] = {
        **spaces,
        "variance": variance,
        "labels": y,
        "predictions": data.probabilities[sampled].argmax(1),
        "indices": sampled,
        "neighbours_same": np.array([same[space].mean() for space in spaces]),
        "chance": (counts * (counts - 1)).sum() / (len(y) * (len(y) - 1)),
        "total": np.array(len(labels)),
        "layer": np.array(name),
    }
    return arrays | {"csv": _table(same, y, data.data_info["classes"])}


def _left_out(layer: str, reason: str) -> dict[str, NDArray[Any] | str]:
    """Warn, and return the arrays of a view without projections, whose figure shows the reason."""
    logger.warning("no embedding: %s", reason)
    return {"reason": np.array(reason), "layer": np.array(layer), "csv": "class,examples\n"}


def planes(
    features: NDArray[np.float32], perplexity: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
    """Return the projections by PCA and t-SNE, each (n, 2), and the variance's share of each component (2,).

    t-SNE starts from the PCA (Kobak and Berens 2019), and runs on one thread so that it is deterministic.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    values = np.asarray(features, np.float64)
    if values.shape[1] == 1:
        values = np.column_stack([values, np.zeros(len(values))])
    with threadpool_limits(1):
        reducer = PCA(min(_BEFORE_TSNE, *values.shape), svd_solver="full")
        reduced = reducer.fit_transform(values)
        tsne = TSNE(
            2, perplexity=min(perplexity, (len(values) - 1) / 3), init="pca", random_state=0, n_jobs=1
        ).fit_transform(reduced.astype(np.float32))
    variance = reducer.explained_variance_ratio_[:2].astype(np.float64)
    return reduced[:, :2].astype(np.float32), tsne.astype(np.float32), variance


def same_class(values: NDArray[np.float32], labels: NDArray[np.int64], neighbours: int) -> NDArray[np.float64]:
    """Return the share of each example's nearest neighbours that are of its class: (n, units) to (n,)."""
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=min(neighbours, len(values) - 1)).fit(values)
    # Called without points, `kneighbors` does not count an example as its own neighbour.
    share: NDArray[np.float64] = (labels[near.kneighbors(return_distance=False)] == labels[:, np.newaxis]).mean(1)
    return share


def _table(same: dict[str, NDArray[np.float64]], y: NDArray[np.int64], classes: list[str]) -> str:
    """Return the shares of neighbours of the same class as CSV, over all examples and by class."""
    import pandas as pd

    rows = [(tables.ALL, tables.ALL, np.ones(len(y), bool))]
    rows += [(tables.CLASS, classes[label], y == label) for label in np.unique(y)]
    table = pd.DataFrame(
        [
            {"over": over, "class": name, "examples": int(members.sum())}
            | {f"same_class_{space}": shares[members].mean() for space, shares in same.items()}
            for over, name, members in rows
        ]
    )
    return tables.as_text(table, float_format="%.6g")
