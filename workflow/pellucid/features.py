"""What a feature of a model says beside itself (`models.base.ModelSpec.features`)."""

from __future__ import annotations

from collections.abc import Iterable


def with_implied(features: Iterable[str]) -> tuple[str, ...]:
    """Return the features, and those that follow from them: LRP has a rule wherever DeepLIFT has one."""
    listed = tuple(features)
    return (*listed, "relevance_rule") if "rescale_rule" in listed and "relevance_rule" not in listed else listed
