"""Prototypes: training examples that stand for their class, those that the prototypes do not speak for, and their like.

Everything is measured in the space of the last features: two examples are near when the model sees them alike.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.network.explained_model import ExplainedModel
from pellucid.views.base import ViewData, ViewSpec
from pellucid.views.shared import medoids, mmd
from pellucid.views.shared.features import FeatureLayer, feature_layer, features
from pellucid.views.shared.sampling import balanced, parts

_DRAWS = 100  # random choices with which the chosen prototypes are compared

SPEC = ViewSpec(
    title="Prototypes and criticisms",
    about="Training examples that stand for their class, with the share of the class that is nearest to each; "
    "criticisms, examples that the prototypes speak for least (witness above zero: the class is denser there than "
    "its prototypes say); and the test example nearest to each prototype. Near means that the model's last features "
    "are alike.",
    paper="Kim B, Khanna R, Koyejo O. Examples are not Enough, Learn to Criticize! Criticism for Interpretability. "
    "NeurIPS (2016); Kaufman L, Rousseeuw P. Finding Groups in Data (1990), chapter 2",
    requires=("layers",),
    needs=("training", "test"),
)


def compute(
    model: ExplainedModel,
    data: ViewData,
    rng: np.random.Generator,
    *,
    method: Annotated[
        Literal["mmd_critic", "k_medoids"],
        Field(
            description="mmd_critic: prototypes whose distribution is nearest to the class's; k_medoids: those "
            "nearest to the rest of the class in the mean"
        ),
    ] = "mmd_critic",
    layer: FeatureLayer = "last_features",
    prototypes: Annotated[int, Field(ge=1, le=10, description="of each class")] = 3,
    criticisms: Annotated[int, Field(ge=0, le=10, description="of each class")] = 2,
    criticise: Annotated[
        Literal["rare", "both"],
        Field(
            description="rare: where the prototypes say too little of the class; both: or too much, as in the paper, "
            "which can be beside a prototype"
        ),
    ] = "rare",
    points: Annotated[
        int,
        Field(
            ge=2,
            le=100_000,
            description="training examples of each class to choose from, and as many test examples, at most",
        ),
    ] = 400,
    shown: Annotated[int, Field(ge=1, le=1_000, description="classes in the figure at most; the arrays hold all")] = 10,
) -> dict[str, NDArray[Any] | str]:
    """Choose class by class, which is the paper's local kernel: examples of two classes have no similarity.

    Returns:
        Of the prototypes (P of all classes together, class by class): `prototypes` (P, *input_shape),
        `prototype_labels`, `prototype_indices` into the training examples, `coverage`, the share of the class's
        examples that are nearest to it; of the criticisms `criticisms`, `criticism_labels`, `criticism_indices`,
        `witness`; of the test example nearest to each prototype `nearest` (P, *input_shape), `nearest_labels`,
        `nearest_indices`, `nearest_distances` in units of the class's kernel width; per class of `classes` (C,)
        `mmd2`, the squared distance of the prototypes' distribution from the class's, `mmd2_random`, its mean over
        random choices, and `widths`, the kernel's; `layer`.

    Raises:
        InputError: no such layer.
    """
    x, labels = data.training
    x_test, y_test = data.test
    name = feature_layer(model, layer)
    possible = np.unique(labels)
    tested = balanced(y_test, points * len(possible), rng)
    test = _features(model, x_test, tested, name)
    found: dict[str, list[Any]] = {
        key: []
        for key in (
            "prototype_indices", "prototype_labels", "coverage", "criticism_indices", "criticism_labels", "witness",
            "nearest_indices", "nearest_distances", "mmd2", "mmd2_random", "widths",
        )
    }  # fmt: skip
    for label in possible:
        members = np.flatnonzero(labels == label)
        members = np.sort(rng.permutation(members)[:points])
        own = _features(model, x, members, name)
        distances = medoids.distances(own, own)
        width = mmd.width(distances)
        kernel = mmd.kernel(distances, width)
        chosen = (
            mmd.prototypes(kernel, prototypes) if method == "mmd_critic" else medoids.medoids(distances, prototypes)
        )
        critics = mmd.criticisms(kernel, chosen, criticisms, rare=criticise == "rare")
        across = medoids.distances(own[chosen], test)
        nearest = across.argmin(1)
        draws = [rng.permutation(len(members))[: len(chosen)] for _ in range(_DRAWS)]
        found["prototype_indices"] += [*members[chosen]]
        found["prototype_labels"] += [label] * len(chosen)
        found["coverage"] += [*np.bincount(distances[:, chosen].argmin(1), minlength=len(chosen)) / len(members)]
        found["criticism_indices"] += [*members[critics]]
        found["criticism_labels"] += [label] * len(critics)
        found["witness"] += [*mmd.witness(kernel, chosen)[critics]]
        found["nearest_indices"] += [*tested[nearest]]
        found["nearest_distances"] += [*across.min(1) / width]
        found["mmd2"].append(mmd.distance(kernel, chosen))
        found["mmd2_random"].append(np.mean([mmd.distance(kernel, draw) for draw in draws]))
        found["widths"].append(width)
    arrays: dict[str, Any] = {
        key: np.array(values, np.int64 if key.endswith(("indices", "labels")) else np.float64)
        for key, values in found.items()
    }
    return arrays | {
        "classes": possible,
        "prototypes": x[arrays["prototype_indices"]],
        "criticisms": x[arrays["criticism_indices"]],
        "nearest": x_test[arrays["nearest_indices"]],
        "nearest_labels": y_test[arrays["nearest_indices"]],
        "layer": np.array(name),
    }


def _features(
    model: ExplainedModel, x: NDArray[np.float32], chosen: NDArray[np.int64], layer: str
) -> NDArray[np.float64]:
    return np.concatenate([features(model, part, layer) for part in parts(x, chosen, model.batch_size())]).astype(
        np.float64
    )
