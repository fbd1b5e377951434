"""Tables with a row for each predicted example, for models of several labels or of values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.messages import MANY_CLASSES, MOST_PROBABLE


def of_labels(
    answers: NDArray[np.uint8] | None, p: NDArray[np.float64], thresholds: NDArray[np.float64], names: list[str]
) -> Any:
    """Return the true and the predicted labels of each example, joined by "; ", and their probabilities.

    Args:
        answers: (N, labels), 1 where the example has the label; None if that is not known.
        p: (N, labels), probabilities; of more than 20 labels the five most probable ones are in the table.
        thresholds: (labels,), the probability from which each label is predicted.
        names: of the labels.
    """
    import pandas as pd

    predicted = p >= thresholds
    columns: dict[str, Any] = {"example": np.arange(len(p))}
    if answers is not None:
        columns["true"] = _joined(answers == 1, names)
    columns["predicted"] = _joined(predicted, names)
    if answers is not None:
        columns["wrong_labels"] = (predicted != (answers == 1)).sum(1)
    if len(names) <= MANY_CLASSES:
        columns |= {f"p_{name}": p[:, label] for label, name in enumerate(names)}
    else:
        best = np.argsort(-p, axis=1, kind="stable")[:, :MOST_PROBABLE]
        for place, label in enumerate(best.T, 1):
            columns |= {f"top_{place}": np.array(names, object)[label], f"p_top_{place}": p[np.arange(len(p)), label]}
    return pd.DataFrame(columns)


def of_values(
    true: NDArray[Any] | None, predicted: NDArray[Any], widths: NDArray[np.float64] | None, names: list[str]
) -> Any:
    """Return the true and the predicted values of each example, and the ends of the 90% intervals.

    Args:
        true: (N, values); None if they are not known.
        predicted: (N, values).
        widths: (values,), half the width of each interval, NaN for none; None without any.
        names: of the values.
    """
    import pandas as pd

    columns: dict[str, Any] = {"example": np.arange(len(predicted))}
    for value, name in enumerate(names):
        guess = predicted[:, value].astype(np.float64)
        if true is not None:
            columns[f"true_{name}"] = true[:, value]
        columns[f"predicted_{name}"] = predicted[:, value]
        if widths is not None and np.isfinite(widths[value]):
            columns |= {f"low_{name}": guess - widths[value], f"high_{name}": guess + widths[value]}
    return pd.DataFrame(columns)


def _joined(chosen: NDArray[np.bool_], names: list[str]) -> list[str]:
    return ["; ".join(names[label] for label in np.flatnonzero(row)) for row in chosen]
