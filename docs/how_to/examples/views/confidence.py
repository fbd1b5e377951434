"""Confidence: the probability that the model gives to the true class of each test example."""

from typing import Annotated

import numpy as np
from pydantic import Field

from pellucid.views.base import ViewSpec

SPEC = ViewSpec(
    title="Confidence",
    about="The probability of the true class of every test example, one histogram for each class.",
    paper="none: an example of the documentation",
    requires=("labels",),
    needs=("test",),
    tasks=("single_label",),
)


def compute(model, data, rng, *, bins: Annotated[int, Field(ge=2, description="of each histogram, from 0 to 1")] = 20):
    """Count the test examples of each class in each bin.

    Returns:
        counts (classes, bins) and edges (bins + 1,).
    """
    _, labels = data.test
    classes = len(data.data_info["classes"])
    true = data.probabilities[np.arange(len(labels)), labels]
    edges = np.linspace(0, 1, bins + 1)
    counts = np.stack([np.histogram(true[labels == label], edges)[0] for label in range(classes)])
    return {"counts": counts, "edges": edges}
