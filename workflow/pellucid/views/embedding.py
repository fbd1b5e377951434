"""Embedding: where the test examples lie in the space of the last features, brought to a plane by PCA and by t-SNE.

PCA keeps the large distances and t-SNE the small ones; both come with scikit-learn. UMAP answers the same question as
t-SNE at these sizes and would add a compiler at run time, so it is left out.
"""

from __future__ import annotations

import logging
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid import tables
from pellucid.network.explained_model import ExplainedModel
from pellucid.views.base import ViewData, ViewSpec
from pellucid.views.shared.features import FeatureLayer, feature_layer, features
from pellucid.views.shared.sampling import balanced, parts

_BEFORE_TSNE = 50  # principal components that t-SNE starts from, as in van der Maaten and Hinton 2008, section 4.2
_FEWEST = 5

logger = logging.getLogger(__name__)

SPEC = ViewSpec(
    title="Embedding",
    about="Test examples in the space of the features from which the class scores are made, brought to a plane by "
    "principal components (large distances count) and by t-SNE (neighbours count, distances between groups do not). "
    "Rings mark examples that the model gets wrong.",
    paper="van der Maaten L, Hinton G. Visualizing Data using t-SNE. Journal of Machine Learning Research 9 (2008)",
    requires=("layers",),
    needs=("test",),
    texts=("csv",),
)


def compute(
    model: ExplainedModel,
    data: ViewData,
    rng: np.random.Generator,
    *,
    layer: FeatureLayer = "last_features",
    points: Annotated[
        int, Field(ge=_FEWEST, le=100_000, description="test examples at most, as many of each class")
    ] = 1000,
    perplexity: Annotated[
        float,
        Field(
            ge=1, le=10_000, description="of t-SNE: about how many neighbours count; at most a third of the examples"
        ),
    ] = 30,
    neighbours: Annotated[int, Field(ge=1, le=10_000, description="nearest neighbours whose class is compared")] = 10,
) -> dict[str, NDArray[Any] | str]:
    """Features of test examples and their two planes.

    Returns:
        `features` (n, units), `pca` and `tsne` (n, 2), `variance` (2,), the share of the variance of each principal
        component, `labels` and `predictions` (n,), `indices` (n,) into the test examples, `neighbours_same` (3,), the
        share of nearest neighbours of the same class in the feature space and in the planes, `chance`, the same
        among examples drawn at random, `layer`; as `csv` the shares class by class. Of fewer than five examples, or of
        features that are the same for all of them, there is no plane: `reason`, which the figure says, and `layer`.

    Raises:
        InputError: no such layer.
    """
    x, labels = data.test
    chosen = balanced(labels, points, rng)
    name = feature_layer(model, layer)
    if len(chosen) < _FEWEST:
        return _left_out(name, f"{len(chosen)} test examples, where a plane takes {_FEWEST} at least")
    found = np.concatenate([features(model, part, name) for part in parts(x, chosen, model.batch_size())])
    if not np.ptp(found, axis=0).any():
        return _left_out(name, f"the features of layer {name} are the same for all test examples")
    y = labels[chosen]
    pca, tsne, variance = planes(found, perplexity)
    spaces = {"features": found, "pca": pca, "tsne": tsne}
    same = {space: same_class(values, y, neighbours) for space, values in spaces.items()}
    counts = np.bincount(y)
    arrays: dict[str, Any] = {
        **spaces,
        "variance": variance,
        "labels": y,
        "predictions": data.probabilities[chosen].argmax(1),
        "indices": chosen,
        "neighbours_same": np.array([same[space].mean() for space in spaces]),
        "chance": (counts * (counts - 1)).sum() / (len(y) * (len(y) - 1)),
        "total": np.array(len(labels)),
        "layer": np.array(name),
    }
    return arrays | {"csv": _table(same, y, data.data_info["classes"])}


def _left_out(layer: str, reason: str) -> dict[str, NDArray[Any] | str]:
    """What the view gives where there is no plane: the run goes on, and the figure says why."""
    logger.warning("no embedding: %s", reason)
    return {"reason": np.array(reason), "layer": np.array(layer), "csv": "class,examples\n"}


def planes(
    found: NDArray[np.float32], perplexity: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
    """The planes of PCA and t-SNE, each (n, 2), and the share of the variance of each principal component, (2,).

    t-SNE starts from the PCA (Kobak and Berens 2019), on one thread: the same features give the same plane.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    values = np.asarray(found, np.float64)
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
    """Of each example, the share of its nearest neighbours that are of its class: (n, units) to (n,)."""
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=min(neighbours, len(values) - 1)).fit(values)
    # Without an argument an example is not its own neighbour.
    share: NDArray[np.float64] = (labels[near.kneighbors(return_distance=False)] == labels[:, np.newaxis]).mean(1)
    return share


def _table(same: dict[str, NDArray[np.float64]], y: NDArray[np.int64], classes: list[str]) -> str:
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
