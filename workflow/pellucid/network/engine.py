"""Run compiled functions batch by batch within a memory budget, and count the passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

# Measured on the networks of config.yaml: above this, no larger batch is faster.
_LARGEST_BATCH = 256
# A backward pass keeps every activation and makes a gradient of each.
_COPIES_FORWARD, _COPIES_BACKWARD = 2, 4


class Engine:
    """Compile each function once, send arrays through it in batches and count the examples that pass.

    Args:
        tf_: the TensorFlow module.
        memory_mb: memory for the batches, in MiB; it sets the batch size.
        batch_size: overrides that choice.
        bytes_per_example: size of one example and of its activations in all layers.

    Attributes:
        compiled: the compiled functions, by key.
        memory: budget in bytes.
        forward_passes, backward_passes: examples that went through the model so far, in each direction.
    """

    def __init__(self, tf_: Any, *, memory_mb: int, batch_size: int | None, bytes_per_example: int) -> None:
        self._tf, self._batch_size, self._bytes_per_example = tf_, batch_size, bytes_per_example
        self.memory = memory_mb * 2**20
        self.compiled: dict[tuple[Any, ...], Callable[..., Any]] = {}
        self.forward_passes = 0
        self.backward_passes = 0

    @property
    def window_memory(self) -> int:
        """Bytes for the windows of incremental scores, which are forward passes."""
        return self.memory // _COPIES_FORWARD

    def batch_size(self, *, backward: bool = False) -> int:
        """Return how many examples go through the model at a time."""
        if self._batch_size is not None:
            return self._batch_size
        copies = _COPIES_BACKWARD if backward else _COPIES_FORWARD
        fitting = self.memory // max(copies * self._bytes_per_example, 1)
        return int(max(1, min(_LARGEST_BATCH, fitting)))

    def function(
        self, key: tuple[Any, ...], build: Callable[[], Callable[..., Any]], arrays: tuple[Any, ...]
    ) -> Callable[..., Any]:
        """Return the compiled function of a key; build and compile it for arrays like these on its first use."""
        if key not in self.compiled:
            # A batch axis of unknown length costs nothing on the CPU (measured), and no size is ever traced again.
            signature = [self._tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in arrays]
            self.compiled[key] = self._tf.function(build(), input_signature=signature, autograph=False)
        return self.compiled[key]

    def run(
        self, key: tuple[Any, ...], build: Callable[[], Callable[..., Any]], *arrays: Any, backward: bool
    ) -> tuple[Array, ...]:
        """Send arrays of N examples through a compiled function batch by batch; return its outputs."""
        function, n, size = self.function(key, build, arrays), len(arrays[0]), self.batch_size(backward=backward)
        if n == 0:
            # Layers need not allow for an empty batch: the shapes of the outputs come from an example of zeros.
            zeros = (np.zeros((1, *array.shape[1:]), array.dtype) for array in arrays)
            return tuple(output[:0] for output in self.run(key, build, *zeros, backward=backward))
        self.forward_passes += n
        self.backward_passes += n if backward else 0
        outputs: Any = None
        for start in range(0, n, size):
            result = function(*(self._tf.convert_to_tensor(array[start : start + size]) for array in arrays))
            tensors = result if isinstance(result, tuple) else (result,)
            if outputs is None:
                outputs = tuple(np.empty((n, *tensor.shape[1:]), np.float32) for tensor in tensors)
            for output, tensor in zip(outputs, tensors, strict=True):
                # `.numpy()` would make one more copy, and feature maps are large.
                output[start : start + size] = np.asarray(tensor)
        return tuple(outputs)

    def run_single(self, *arguments: Any, **options: Any) -> Array:
        """Return the only output of a function, as `run` does."""
        (output,) = self.run(*arguments, **options)
        return output
