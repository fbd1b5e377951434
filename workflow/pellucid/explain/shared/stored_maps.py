"""How `attributions.npz` holds maps in other domains than time, whose shape is not that of the input.

`variants` and `attributions` hold only the variants in time, so that no reader takes frequencies for samples.
`domain_variants` names the other variants; each has its own arrays, whose names begin with its label.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.config.variants import TIME
from pellucid.network.signal_transforms import BandTransform, FourierTransform, Transform

NAMES = "domain_variants"
_FACTS = ("rate", "frequencies", "edges", "times")


@dataclass(frozen=True)
class DomainMap:
    """The maps of one variant in another domain than time.

    Attributes:
        domain: frequency, stft or bands.
        maps: (N, F, channels), (N, F, frames, channels), or (N, bands, channels).
        facts: what the axes stand for, see `facts_of`.
    """

    domain: str
    maps: NDArray[np.float32]
    facts: Mapping[str, NDArray[Any]]

    @property
    def unit(self) -> str:
        """The unit of the frequencies."""
        return "Hz" if float(self.facts["rate"]) else "cycles per sample"


def of(domain: str, maps: NDArray[np.float32], transform: Transform, sampling_rate: float | None) -> DomainMap:
    """Return maps in a domain with what their axes stand for; arguments as of `facts_of`."""
    return DomainMap(domain, maps, facts_of(transform, sampling_rate))


def arrays_of(maps: Mapping[str, DomainMap]) -> dict[str, NDArray[Any]]:
    """Return the arrays of `attributions.npz` for variants in other domains, by label; {} if there are none."""
    if not maps:
        return {}
    arrays: dict[str, NDArray[Any]] = {NAMES: np.array(list(maps))}
    for label, of_variant in maps.items():
        arrays |= {f"{label}/domain": np.array(of_variant.domain), f"{label}/map": of_variant.maps}
        arrays |= {f"{label}/{name}": values for name, values in of_variant.facts.items()}
    return arrays


def labels_of(arrays: Mapping[str, NDArray[Any]]) -> list[str]:
    """Return the labels of all variants of `attributions.npz`, those in time first."""
    return [str(label) for name in ("variants", NAMES) if name in arrays for label in arrays[name]]


def domain_map(arrays: Mapping[str, NDArray[Any]], label: str) -> DomainMap | None:
    """Return the maps of a variant in another domain; None for a variant in time."""
    if f"{label}/map" not in arrays:
        return None
    facts = {name: arrays[f"{label}/{name}"] for name in _FACTS if f"{label}/{name}" in arrays}
    return DomainMap(str(arrays[f"{label}/domain"]), arrays[f"{label}/map"], facts)


def maps_of(arrays: Mapping[str, NDArray[Any]], label: str) -> tuple[NDArray[np.float32], str]:
    """Return the maps of a variant and their domain."""
    if (other := domain_map(arrays, label)) is not None:
        return other.maps, other.domain
    return arrays["attributions"][list(arrays["variants"]).index(label)], TIME


def facts_of(transform: Transform, sampling_rate: float | None) -> dict[str, NDArray[Any]]:
    """Return what the axes of a map stand for.

    Args:
        transform: of the map.
        sampling_rate: in Hz; None if it is not known: frequencies are then in cycles per sample, times in samples.

    Returns:
        `rate`, the sampling rate, 0 if it is not known; `frequencies` (F,), of bands `edges` (bands + 1,) instead; of
        short frames also `times` (frames,) of their centres.
    """
    rate = sampling_rate or 1.0
    facts: dict[str, NDArray[Any]] = {"rate": np.array(sampling_rate or 0.0)}
    if isinstance(transform, BandTransform):
        return facts | {"edges": transform.edges * rate}
    facts["frequencies"] = transform.frequencies * rate
    return facts if isinstance(transform, FourierTransform) else facts | {"times": transform.centres / rate}
