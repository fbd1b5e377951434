"""Batches of training and validation examples, in an order that depends on (seed, epoch) alone.

Import this module after TensorFlow has been started.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pellucid import files, seeds
from pellucid.config.training_checks import active_augmentations
from pellucid.train.augmentation import augment

# The most examples, and bytes, of one batch of validation examples.
_MOST_EXAMPLES, _MOST_BYTES = 1024, 4 * 2**20


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches (inputs, labels, weights) of a mapped file, in the file's order until `begin` shuffles it.

    Keras' own shuffling of arrays draws from a state that a resumed run does not have. With one worker, Keras fetches
    the next batches during a step and keeps their order.
    """

    def __init__(
        self,
        x: NDArray[np.float32],
        y: NDArray[Any],
        class_weights: NDArray[np.float32],
        size: int,
        seed: int,
        mask: NDArray[np.bool_] | None = None,
        inputs: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> None:
        """Take examples x (N, *shape), their targets y, and where x was measured (of its shape; None: everywhere).

        y is classes (N,), which `class_weights` (classes,) weigh; or labels or values (N, outputs), float32. `inputs`
        holds several inputs by name, x among them; None of one.
        """
        super().__init__()
        self.x, self.y, self.class_weights, self.size, self.seed, self.mask = x, y, class_weights, size, seed, mask
        self.inputs = inputs
        self.order = np.arange(len(y))

    def begin(self, epoch: int) -> None:
        """Shuffle the examples for an epoch, counted from 0."""
        self.order = seeds.generator(self.seed, "train", "order", str(epoch)).permutation(len(self.y))

    def __len__(self) -> int:
        """Return the number of batches."""
        return -(-len(self.y) // self.size)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        """Return the inputs (of several, by name), labels and weights of a batch."""
        examples = self._examples(index)
        labels = self.y[examples]
        # Losses of several labels or values weigh them by themselves.
        weights = self.class_weights[labels] if labels.ndim == 1 else np.ones(len(labels), np.float32)
        if self.inputs is None:
            return self.x[examples], labels, weights
        return {name: array[examples] for name, array in self.inputs.items()}, labels, weights

    def measured(self, index: int) -> NDArray[np.bool_] | None:
        """Return where the inputs of a batch were measured; None for everywhere."""
        return None if self.mask is None else self.mask[self._examples(index)]

    def _examples(self, index: int) -> NDArray[np.int64]:
        return self.order[index * self.size : (index + 1) * self.size]


class AugmentedBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """The same batches, augmented when they are asked for."""

    def __init__(self, batches: Batches, augmentation: Mapping[str, Any], seed: int) -> None:
        """Wrap `batches`; `augmentation` is the complete entry of the configuration."""
        super().__init__()
        self.batches, self.augmentation, self.seed = batches, augmentation, seed
        self.begin(0)

    def begin(self, epoch: int) -> None:
        """Shuffle the examples, and draw other augmentations, for an epoch counted from 0."""
        self.epoch = epoch
        self.batches.begin(epoch)

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self.batches)

    def __getitem__(self, index: int) -> tuple[NDArray[Any], ...]:
        """Return the augmented inputs, the labels and the weights of a batch."""
        x, *others = self.batches[index]
        return augment(x, self.augmentation, self.seed, self.epoch, index, self.batches.measured(index)), *others


def load_batches(
    x: Mapping[str, Path | str],
    labels: Path | str,
    measured: Path | str,
    *,
    batch_size: int,
    class_weights: NDArray[np.float32],
    seed: int,
    permuted: bool = False,
    fitted: Callable[[NDArray[Any]], NDArray[Any]] = np.asarray,
    explained: str = "",
    others: Mapping[str, Path | str] | None = None,
) -> tuple[Batches, Batches]:
    """Return the batches of the training examples and those of the validation examples.

    Args:
        x: `x_train.npy` and `x_validation.npy`, by "train" and "validation".
        labels: `labels.npz`.
        measured: `measured.npz`.
        batch_size: training examples of a batch.
        class_weights: (classes,).
        seed: of the experiment.
        permuted: shuffle the labels among the training examples; all labels of one example stay together.
        fitted: turns labels into what the model is fitted to (`Objective.fitted`).
        explained: of several inputs, the name of x.
        others: `other_train.npz` and `other_validation.npz`, by "train" and "validation"; none of one input.
    """
    y, masks = files.read_arrays(labels), files.map_arrays(measured)
    if permuted:
        y["train"] = seeds.generator(seed, "train", "permuted labels").permutation(y["train"])
    y = {split: fitted(y[split]) for split in x}
    inputs = {split: files.map_array(path) for split, path in x.items()}
    named = {
        split: dict(sorted({explained: inputs[split], **files.map_arrays(path)}.items()))
        for split, path in (others or {}).items()
    }
    # The same whichever input is explained: batches of another size would round validation scores differently.
    row = sum(array[:1].nbytes for array in named["train"].values()) if named else inputs["train"][:1].nbytes
    # A pass forward has room for more examples than a training step; of large examples only for as many.
    size = {
        "train": batch_size,
        "validation": max(batch_size, min(_MOST_EXAMPLES, _MOST_BYTES // row)),
    }
    train, validation = (
        Batches(inputs[split], y[split], class_weights, size[split], seed, masks.get(split), named.get(split))
        for split in size
    )
    train.begin(0)
    return train, validation


def with_augmentation(batches: Batches, augmentation: Mapping[str, Any], seed: int) -> Batches | AugmentedBatches:
    """Return augmented batches, or the same batches where no augmentation is on."""
    return AugmentedBatches(batches, augmentation, seed) if active_augmentations(augmentation) else batches
