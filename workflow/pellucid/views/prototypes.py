"""Prototypes and criticisms: training examples that represent their class, and examples that they represent badly.

Distances are those of the last features: two examples are near if the model's features of them are similar.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.network.explained_model import ExplainedModel
from pellucid.tasks import SINGLE_LABEL
from pellucid.views.base import ViewData, ViewSpec
from pellucid.views.shared import medoids, mmd
from pellucid.views.shared.features import FeatureLayer, feature_layer, features_of
from pellucid.views.shared.sampling import balanced
from pellucid.views.shared.sampling import shown as as_shown

_DRAWS = 100  # random choices with which the prototypes are compared
# The arrays that are joined over the classes, in the order in which they are written.
_KEYS = (
    "prototype_indices", "prototype_labels", "coverage", "criticism_indices", "criticism_labels", "witness",
    "nearest_indices", "nearest_distances", "mmd2", "mmd2_random", "widths",
)  # fmt: skip

SPEC = ViewSpec(
    title="Prototypes and criticisms",
    about="Prototypes: training examples that stand for their class; with each, the share of the class that is "
    "nearest to it, and the test example nearest to it. Criticisms: training examples that the prototypes represent "
    "least. (A witness above zero means: here the class is denser than its prototypes say.) Two examples are near if "
    "the model's last features of them are alike.",
    paper="Kim B, Khanna R, Koyejo O. Examples are not Enough, Learn to Criticize! Criticism for Interpretability. "
    "NeurIPS (2016); Kaufman L, Rousseeuw P. Finding Groups in Data (1990), chapter 2",
    requires=("labels", "layers", "split"),
    needs=("training", "test", "measured"),
    # Prototypes stand for classes that exclude each other.
    tasks=(SINGLE_LABEL,),
)


def compute(
    model: ExplainedModel,
    data: ViewData,
    rng: np.random.Generator,
    *,
    method: Annotated[
        Literal["mmd_critic", "k_medoids"],
        Field(
            description="mmd_critic: prototypes whose distribution is nearest to that of the class. k_medoids: the "
            "examples with the smallest mean distance to the rest of the class"
        ),
    ] = "mmd_critic",
    layer: FeatureLayer = "last_features",
    prototypes: Annotated[int, Field(ge=1, le=10, description="number of prototypes of each class")] = 3,
    criticisms: Annotated[int, Field(ge=0, le=10, description="number of criticisms of each class")] = 2,
    criticise: Annotated[
        Literal["rare", "both"],
        Field(
            description="rare: criticisms where the prototypes show too little of the class. both: also where they "
            "show too much, as in the paper; such a criticism can lie beside a prototype"
        ),
    ] = "rare",
    points: Annotated[
        int,
        Field(
            ge=2,
            le=100_000,
            description="largest number of training examples of each class to choose from; at most as many test "
            "examples are used",
        ),
    ] = 400,
    shown: Annotated[
        int, Field(ge=1, le=1_000, description="largest number of classes in the figure; the arrays hold all")
    ] = 10,
) -> dict[str, NDArray[Any] | str]:
    """Choose prototypes and criticisms of each class separately (the paper's local kernel).

    Returns:
        Of the P prototypes of all classes: `prototypes` (P, *input_shape), `prototype_labels`, `prototype_indices` of
        the training examples, `coverage`, the share of the class's examples that are nearest to the prototype. Of the
        criticisms: `criticisms`, `criticism_labels`, `criticism_indices`, `witness`. Of the test example nearest to
        each prototype: `nearest` (P, *input_shape), `nearest_labels`, `nearest_indices`, `nearest_distances` in units
        of the class's kernel width. Examples have NaN where nothing was measured. Of each class of `classes` (C,):
        `mmd2`, the squared distance of the prototypes' distribution from the class's, `mmd2_random`, its mean over
        random choices, `widths`, of the kernel. `layer`.

    Raises:
        InputError: no such layer.
    """
    x, labels = data.training
    x_test, y_test = data.test
    name = feature_layer(model, layer)
    classes = np.unique(labels)
    sampled_test = balanced(y_test, points * len(classes), rng)
    test_features = features_of(model, x_test, sampled_test, name).astype(np.float64)
    by_class = []
    for label in classes:
        members = np.sort(rng.permutation(np.flatnonzero(labels == label))[:points])
        own_features = features_of(model, x, members, name).astype(np.float64)
        of_class = _choose(own_features, test_features, rng, method, prototypes, criticisms, criticise == "rare")
        of_class |= {
            "prototype_indices": members[of_class["prototype_indices"]],
            "prototype_labels": np.full(len(of_class["prototype_indices"]), label, np.int64),
            "criticism_indices": members[of_class["criticism_indices"]],
            "criticism_labels": np.full(len(of_class["criticism_indices"]), label, np.int64),
            "nearest_indices": sampled_test[of_class["nearest_indices"]],
        }
        by_class.append(of_class)
    arrays: dict[str, Any] = {key: np.concatenate([of_class[key] for of_class in by_class]) for key in _KEYS}
    return arrays | {
        "classes": classes,
        "prototypes": as_shown(x, data.training_measured, arrays["prototype_indices"]),
        "criticisms": as_shown(x, data.training_measured, arrays["criticism_indices"]),
        "nearest": as_shown(x_test, data.test_measured, arrays["nearest_indices"]),
        "nearest_labels": y_test[arrays["nearest_indices"]],
        "layer": np.array(name),
    }


def _choose(
    features: NDArray[np.float64],
    test_features: NDArray[np.float64],
    rng: np.random.Generator,
    method: str,
    prototypes: int,
    criticisms: int,
    rare: bool,
) -> dict[str, NDArray[Any]]:
    """Choose the prototypes and criticisms of one class, as indices of its features (n, units), and measure them.

    `nearest_indices` are those of `test_features` (M, units).
    """
    distances = medoids.distances(features, features)
    width = mmd.width(distances)
    kernel = mmd.kernel(distances, width)
    chosen = mmd.prototypes(kernel, prototypes) if method == "mmd_critic" else medoids.medoids(distances, prototypes)
    critics = mmd.criticisms(kernel, chosen, criticisms, rare=rare)
    across = medoids.distances(features[chosen], test_features)
    draws = [rng.permutation(len(features))[: len(chosen)] for _ in range(_DRAWS)]
    return {
        "prototype_indices": chosen,
        "coverage": np.bincount(distances[:, chosen].argmin(1), minlength=len(chosen)) / len(features),
        "criticism_indices": critics,
        "witness": mmd.witness(kernel, chosen)[critics],
        "nearest_indices": across.argmin(1),
        "nearest_distances": across.min(1) / width,
        "mmd2": np.array([mmd.distance(kernel, chosen)]),
        "mmd2_random": np.array([np.mean([mmd.distance(kernel, draw) for draw in draws])]),
        "widths": np.array([width]),
    }
