"""Eigen-CAM: the first principal component of a layer's feature maps; it is the same for every class."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.explain.base import MethodSpec, When
from pellucid.explain.shared.cam_layers import Layer, axes_of, batches, spread
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layer_choice import map_layer

SPEC = MethodSpec(
    title="Eigen-CAM",
    family="class activation",
    paper="Muhammad MB, Yeasin M. Eigen-CAM: Class Activation Map using Principal Components. IJCNN (2020), equations "
    "3 and 4",
    unit="activation along the first component, of no class (a.u.)",
    per_channel=False,
    signed=When("relu", False),
    requires=("conv",),
)


def explain(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    layer: Layer = "last",
    relu: Annotated[
        bool, Field(description="true: keep only the positive part; feature maps behind a ReLU have no other")
    ] = True,
) -> NDArray[np.float32]:
    """Return one map per example over time or space, repeated for every channel: (N, *input_shape).

    The targets are not used: the map says what the layer reacts to. It explains no class.

    Raises:
        InputError: no convolution layer, none of that name, or one without feature maps on the axes of the input.
    """
    name = map_layer(model, layer)

    def of_batch(batch: slice) -> NDArray[np.float32]:
        activations = model.activations(inputs[batch], name)
        axes_of(model, name, activations)  # refuses a layer without feature maps
        return projected(activations)

    maps = np.concatenate([of_batch(batch) for batch in batches(model, len(inputs))])
    return spread(model, name, np.maximum(maps, 0) if relu else maps)


def projected(activations: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the projection of each position's activations on their first right singular vector: (N, *axes).

    As in the paper, the maps are not centred. A singular vector has no sign; the sign is chosen so that the sum of the
    map is not negative.

    Args:
        activations: (N, *axes, maps).
    """
    flat = activations.reshape(len(activations), int(np.prod(activations.shape[1:-1])), -1).astype(np.float64)
    # The smaller of both products has the same largest singular value.
    if flat.shape[1] < flat.shape[2]:
        values, vectors = np.linalg.eigh(flat @ flat.transpose(0, 2, 1))
        maps = vectors[..., -1] * np.sqrt(np.maximum(values[:, -1:], 0))
    else:
        vectors = np.linalg.eigh(flat.transpose(0, 2, 1) @ flat)[1]
        maps = np.einsum("npk,nk->np", flat, vectors[..., -1])
    maps = np.where(maps.sum(1, keepdims=True) < 0, -maps, maps)
    return maps.reshape(activations.shape[:-1]).astype(np.float32)
