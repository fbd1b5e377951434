"""Crops of examples (windows of a series, patches of an image) and the features that a layer has of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.batching import slices
from pellucid.errors import InputError
from pellucid.explain.shared.cam_layers import spans_of
from pellucid.explain.shared.upsampling import lay_on_input, upsample
from pellucid.network.explained_model import ExplainedModel

Array = NDArray[np.float32]
Way = Literal["resized", "in_place"]


@dataclass(frozen=True)
class Crops:
    """Where the crops of every example lie.

    Attributes:
        size: positions along each axis (axes,).
        starts: first position of each crop on each axis (crops, axes).
        lengths: of an example, without its channels.
    """

    size: tuple[int, ...]
    starts: NDArray[np.int64]
    lengths: tuple[int, ...]

    @classmethod
    def of(cls, lengths: tuple[int, ...], share: float) -> Crops:
        """Return crops of a share of the example's length, which begin every half of their length, to both ends."""
        size = tuple(max(1, round(share * length)) for length in lengths)
        firsts = [
            np.unique([*range(0, length - long + 1, max(1, long // 2)), length - long])
            for length, long in zip(lengths, size, strict=True)
        ]
        return cls(size, np.array(list(product(*firsts)), np.int64), lengths)

    def cut(self, example: Array, crop: int) -> Array:
        """Return one crop (*size, channels) of an example (*lengths, channels)."""
        return example[tuple(slice(at, at + long) for at, long in zip(self.starts[crop], self.size, strict=True))]


class Maps:
    """The feature maps of a layer, which must not be negative."""

    def __init__(self, model: ExplainedModel, layer: str) -> None:
        """Take the maps of the layer of this address (InputError: they do not lie on the axes of the input)."""
        self.model, self.layer = model, layer
        self._spans = spans_of(model, layer)

    def of(self, x: Array) -> Array:
        """Return the maps of examples, the features on the last axis: (N, *input_shape) to (N, *units, features).

        Raises:
            InputError: a feature is negative: concepts that only add up cannot make it.
        """
        maps = self.model.activations(x, self.layer)
        if maps.size and (least := float(maps.min())) < 0:
            expected = "features that are 0 or more, such as those behind a ReLU"
            hint = "Name such a layer in `layer`; the view architecture lists them."
            raise InputError.unexpected(f"layer {self.layer}", f"a feature of {least:.3g}", expected, hint)
        return maps

    def in_batches(self, x: Array) -> Iterator[tuple[slice, Array]]:
        """Yield `of` batch by batch, with the place of the batch."""
        for part in slices(len(x), self.model.batch_size()):
            yield part, self.of(x[part])

    def scores(self, x: Array, target: int, maps: Array) -> Array:
        """Return the score of a target for one example (*input_shape) with other maps (n, *units, features): (n,)."""
        rows = np.broadcast_to(x, (len(maps), *x.shape))
        return self.model.score_with_output(rows, np.full(len(maps), target, np.int64), self.layer, maps)

    def on_input(self, maps: Array) -> Array:
        """Lay values of units (n, *units) on the input: (n, *lengths)."""
        return lay_on_input(maps, self._spans)

    def of_crops(self, x: Array, crops: Crops, way: Way) -> Array:
        """Return the mean features of every crop of examples: (N, *input_shape) to (N, crops, features).

        resized: the crop is brought to the size of the input by linear interpolation and goes through the model alone
        (Fel et al. 2023, section 3.1). in_place: the mean over those units of the whole example whose receptive field
        has its middle in the crop. Nothing is stretched, and no input is unlike the data; but a unit also sees beyond
        the crop.
        """
        return self._resized(x, crops) if way == "resized" else self._in_place(x, crops)

    def _resized(self, x: Array, crops: Crops) -> Array:
        axes = tuple(range(1, x.ndim - 1))
        rows = []
        for example in x:
            cuts = np.stack([crops.cut(example, crop) for crop in range(len(crops.starts))])
            channels = np.moveaxis(cuts, -1, 1).reshape(-1, *crops.size)
            large = upsample(channels, crops.lengths).reshape(len(cuts), -1, *crops.lengths)
            inputs = np.ascontiguousarray(np.moveaxis(large, 1, -1))
            rows.append(np.concatenate([maps.mean(axes) for _, maps in self.in_batches(inputs)]))
        return np.stack(rows)

    def _in_place(self, x: Array, crops: Crops) -> Array:
        inside = self._inside(crops)
        rows = []
        for _, maps in self.in_batches(x):
            flat = maps.reshape(len(maps), -1, maps.shape[-1])
            rows.append(np.einsum("cu,nuf->ncf", inside, flat))
        return np.concatenate(rows)

    def _inside(self, crops: Crops) -> Array:
        """Return the weight of each unit in each crop: (crops, units of all axes), each row with the sum 1."""
        weights = np.ones((len(crops.starts), 1))
        for axis, span in enumerate(self._spans):
            centres = np.array([span.centre(unit) for unit in range(span.units)])
            first = crops.starts[:, axis, np.newaxis]
            has = (centres >= first - 0.5) & (centres <= first + crops.size[axis] - 0.5)
            # A crop that is shorter than the distance of two units has the nearest of them.
            nearest = np.abs(centres - first - (crops.size[axis] - 1) / 2).argmin(1)
            has[np.arange(len(has)), nearest] |= ~has.any(1)
            share = has / has.sum(1, keepdims=True)
            weights = (weights[:, :, np.newaxis] * share[:, np.newaxis]).reshape(len(weights), -1)
        return weights.astype(np.float32)
