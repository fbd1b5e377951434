"""How a convolution or a pooling slides along one axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SlidingWindow:
    """The window of a convolution or a pooling along one axis.

    Attributes:
        extent: positions from the first to the last that one output looks at, dilation counted in.
        stride: positions between the windows of one output and the next.
        padding: Keras' name of it: valid, same or causal.
    """

    extent: int
    stride: int
    padding: str

    def outputs(self, length: int) -> int:
        """Return the number of outputs for an axis of `length` positions."""
        return (length - self.extent) // self.stride + 1 if self.padding == "valid" else -(-length // self.stride)

    def before(self, length: int) -> int:
        """Return the padding before the first position of an axis of `length` positions."""
        if self.padding == "same":
            return max((self.outputs(length) - 1) * self.stride + self.extent - length, 0) // 2
        return self.extent - 1 if self.padding == "causal" else 0


def sliding_windows(config: Mapping[str, Any]) -> list[SlidingWindow]:
    """Return the window along each axis, from what Keras saves of a convolution or a pooling."""
    sizes = _numbers(config.get("kernel_size") or config["pool_size"])
    strides = _numbers(config["strides"] or sizes, len(sizes))
    dilations = _numbers(config.get("dilation_rate", 1), len(sizes))
    return [
        SlidingWindow(1 + (size - 1) * dilation, stride, config["padding"])
        for size, stride, dilation in zip(sizes, strides, dilations, strict=True)
    ]


def _numbers(value: Any, length: int = 1) -> tuple[int, ...]:
    """Return one number per axis; a single number stands for all axes."""
    return (int(value),) * length if isinstance(value, int) else tuple(int(number) for number in value)
