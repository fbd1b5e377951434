"""Explain a series in another domain than time: by its frequencies, by frequencies and times, or by bands.

A method opens a `Space`, brings inputs and baselines into it, runs its model, and brings values back to the cells of a
map. In the domain time, none of this changes anything. In another domain, the inputs of the model are the coefficients
of the signal (`network/signal_transforms.py`): Brüsch et al., FreqRISE, arXiv:2406.13584 (2024) for masks, and
Vielhaben et al., Explainable AI for time series via virtual inspection layers, Pattern Recognition 150 (2024), for
gradients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.config.variants import TIME, domain_of
from pellucid.errors import InputError
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.signal_transforms import BandTransform, FourierTransform, ShortTimeTransform, Transform
from pellucid.network.transformed_model import TransformedModel

Domain = Annotated[
    Literal["time", "frequency", "stft", "bands"],
    Field(
        description="for series: what gets an attribution. time: its samples. frequency: its frequencies (Fourier "
        "transform of the whole series). stft: frequencies within short frames. bands: bands of frequencies; their "
        "sum is the series"
    ),
]
Frame = Annotated[
    Annotated[int, Field(ge=4, le=1_000_000)] | Literal["auto"],
    Field(
        description="for domain stft: samples of a frame, an even number. auto: a power of two near twice the square "
        "root of the length"
    ),
]
Bands = Annotated[int, Field(ge=2, le=100_000, description="for domain bands: number of bands, all of equal width")]
_FEWEST = 4  # samples of a frame


@dataclass(frozen=True)
class Space:
    """Where a method computes: a model, and the transforms from signals to its inputs and from its values to a map.

    Attributes:
        model: answers for coefficients; in time the model itself.
        transform: None in time.
        shape: of an input of the model, (time, channels) or the coefficients.
        cells: shape of the map of an example.
    """

    model: ExplainedModel
    transform: Transform | None
    shape: tuple[int, ...]
    cells: tuple[int, ...]

    def enter(self, x: NDArray[np.float32]) -> NDArray[Any]:
        """Return inputs or baselines as inputs of the space's model."""
        return x if self.transform is None else self.transform.forward(x)

    def spread(self, cells: NDArray[Any]) -> NDArray[Any]:
        """Return masks or numbers of segments on a map, (..., *cells), for every value of the model's inputs."""
        return cells if self.transform is None else self.transform.spread(cells)

    def contributions(self, difference: NDArray[Any], gradient: NDArray[Any]) -> NDArray[Any]:
        """Return difference × gradient, (N, *cells); for a coefficient, the sum over its real and its imaginary part.

        The sum over all cells equals the sum over all samples in time, because the transform is linear.
        """
        if self.transform is None:
            return np.asarray(difference * gradient)
        parts = difference.real * gradient.real + difference.imag * gradient.imag
        return np.asarray(self.transform.gather(parts))

    def sizes(self, gradient: NDArray[Any]) -> NDArray[Any]:
        """Return the size of the gradient at each cell: absolute values, or lengths over all parts of a cell.

        The length does not depend on the phase at which a coefficient is measured.
        """
        if self.transform is None:
            return np.asarray(np.abs(gradient))
        return np.asarray(np.sqrt(self.transform.gather(gradient.real**2 + gradient.imag**2)))

    def zeros(self, n: int) -> NDArray[Any]:
        """Return zeros of the shape of n inputs of the model, in double precision."""
        return np.zeros((n, *self.shape), np.float64 if self.transform is None else np.complex128)


def opened(
    model: ExplainedModel, shape: Sequence[int], *, domain: str = TIME, frame: int | str = "auto", bands: int = 8
) -> Space:
    """Return the space of a domain.

    Args:
        model: the trained model.
        shape: of an example, (*axes, channels).
        domain, frame, bands: see `Domain`, `Frame` and `Bands`.

    Raises:
        InputError: another domain than time of examples that are no series, or a frame or bands that do not fit.
    """
    transform = transform_of(shape, domain=domain, frame=frame, bands=bands)
    if transform is None:
        return Space(model, None, tuple(shape), tuple(shape))
    # It answers the queries that methods with a domain ask, with complex numbers in the place of real ones.
    transformed = cast(ExplainedModel, TransformedModel(model, transform))
    return Space(transformed, transform, transform.shape, transform.cells)


def transform_of(
    shape: Sequence[int], *, domain: str = TIME, frame: int | str = "auto", bands: int = 8
) -> Transform | None:
    """Return the transform of a domain, None for time; arguments and errors as of `opened`."""
    if domain == TIME:
        return None
    if len(shape) != 2:
        found = f'"{domain}" of examples with {len(shape) - 1} axes'
        raise InputError.unexpected("domain", found, "time: only series have frequencies")
    length, channels = shape
    if domain == "frequency":
        return FourierTransform(length, channels)
    if domain == "bands":
        return BandTransform(length, channels, bands)
    return ShortTimeTransform(length, channels, _automatic(length) if isinstance(frame, str) else frame)


def transform_for(parameters: Mapping[str, Any], shape: Sequence[int]) -> Transform | None:
    """Return the transform of a method's parameters; None in time, and for a method without a domain."""
    return transform_of(shape, **chosen(parameters))


def chosen(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return only those parameters of a method that set its domain."""
    return {name: parameters[name] for name in ("domain", "frame", "bands") if name in parameters}


def map_shape(parameters: Mapping[str, Any], shape: Sequence[int]) -> tuple[int, ...]:
    """Return the shape of the map of one example of this shape (*axes, channels), for a method's parameters."""
    transform = transform_for(parameters, shape)
    return tuple(shape) if transform is None else transform.cells


def cell_axes(axes: Sequence[int], parameters: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the axes of a map, without the channels, of examples with these axes.

    Raises:
        InputError: the domain does not fit such examples.
    """
    return map_shape(parameters, (*axes, 1))[:-1]


def fits(axes: Sequence[int], **parameters: Any) -> None:
    """Refuse a domain that does not fit examples with these axes; a method with no other checks uses this as `fits`.

    Raises:
        InputError: see `opened`.
    """
    cell_axes(axes, parameters)


def require_time(parameters: Mapping[str, Any], where: str, reason: str) -> None:
    """Refuse a domain other than time.

    Raises:
        InputError: the parameters have one.
    """
    if (domain := domain_of(parameters)) != TIME:
        raise InputError.unexpected(where, f'domain "{domain}"', f"time: {reason}")


def _automatic(length: int) -> int:
    """Return the automatic length of a frame: about as many frequencies as frames."""
    frame = 2 ** round(np.log2(2 * np.sqrt(length)))
    return int(max(_FEWEST, min(frame, length - length % 2)))
