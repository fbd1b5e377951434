"""Do maps of several labels and values find the evidence of their own label as well as a model of this label alone?

`synthetic_ecg` with `task: multi_label` inverts the P wave and the T wave of a beat independently of each other; with
`task: regression` it draws their heights. One network with two outputs, and two networks with one label or value each,
are trained on the same beats, several times from other weights. A network with one label has a softmax over "absent" and
"present", and the difference of their logits is explained: this is what the logit of a sigmoid is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.score.base import Explanation, ScoreContext
from pellucid.tasks import MULTI_LABEL, REGRESSION, SINGLE_LABEL

if TYPE_CHECKING:
    import keras

TRAINING, EXPLAINED = 1600, 80
# Values take longer to learn than labels.
SEEDS = {MULTI_LABEL: tuple(range(3)), REGRESSION: tuple(range(5))}
EPOCHS = {MULTI_LABEL: 8, REGRESSION: 40}
METHODS: dict[str, dict[str, Any]] = {
    "integrated_gradients": {"baseline": "mean"},
    "occlusion": {"window": 9, "baseline": "mean"},
}
SCORES = ("relevance_rank", "relevance_mass")
# Differences of the mean score that would not matter to a reader: maps of this width lie between chance (0.06 and 0.13)
# and 1.
MARGIN = 0.1


class Planted(NamedTuple):
    """Beats: inputs (N, 187, 1), answers (N, 2), truth (N, 187, 1, 2) and the names of both outputs."""

    x: NDArray[np.float32]
    y: NDArray[Any]
    truth: NDArray[np.bool_]
    names: tuple[str, ...]


def beats(task: str, seed: int = 0) -> Planted:
    """Draw the beats of training and test, in this order."""
    from pellucid.datasets import synthetic_ecg

    number = (TRAINING + EXPLAINED + len(synthetic_ecg.CLASSES) - 1) // len(synthetic_ecg.CLASSES)
    drawn = synthetic_ecg.load({}, np.random.default_rng(seed), per_class=number, task=task)  # type: ignore[arg-type]
    assert drawn.train.truth is not None
    return Planted(drawn.train.x, drawn.train.y, drawn.train.truth, drawn.classes)


def trained(planted: Planted, task: str, outputs: list[int], seed: int) -> keras.Model:
    """Train the heartbeat network on some of the outputs; on one label as two classes that exclude each other."""
    import keras

    from pellucid.models import base, heartbeat_cnn

    keras.utils.set_random_seed(seed)
    x, y = planted.x[:TRAINING], planted.y[:TRAINING][:, outputs]
    of_task = SINGLE_LABEL if task == MULTI_LABEL and len(outputs) == 1 else task
    width = 2 if of_task == SINGLE_LABEL else len(outputs)
    model = base.for_task(heartbeat_cnn.build(x.shape[1:], width, batch_norm_momentum=0.9), of_task)
    losses = {
        SINGLE_LABEL: "sparse_categorical_crossentropy",
        MULTI_LABEL: "binary_crossentropy",
        REGRESSION: "mse",
    }
    model.compile(keras.optimizers.Adam(1e-3), losses[of_task])
    y = y.astype(np.float32) if task == MULTI_LABEL else ((y - y.mean(0)) / y.std(0)).astype(np.float32)
    model.fit(x, y, 64, EPOCHS[task], verbose=0)
    return model


def quality(planted: Planted, task: str, answers: NDArray[Any], label: int) -> float:
    """Return the AUROC of a label, or R² of a value, on the test beats."""
    true = planted.y[-EXPLAINED:, label]
    if task == REGRESSION:
        learnt = planted.y[:TRAINING, label]
        answers = answers * learnt.std() + learnt.mean()
        return float(1 - np.square(true - answers).sum() / np.square(true - true.mean()).sum())
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(true, answers))


def localisation(planted: Planted, attributions: NDArray[np.float32], of: int) -> dict[str, float]:
    """Return the mean scores of maps (N, 187, 1) against the evidence of an output."""
    from pellucid.score import localisation as score

    case = ScoreContext(
        data_info={"kind": "series"},  # type: ignore[typeddict-item]
        inputs=planted.x[-EXPLAINED:],
        targets=np.zeros(EXPLAINED, np.int64),
        labels=np.zeros(EXPLAINED, np.int64),
        truth=planted.truth[-EXPLAINED:, ..., of],
    )
    explanation = Explanation(label="", method="", attributions=attributions)
    values = score.score(explanation, case, np.random.default_rng(0)).values
    return {name: float(values[name].mean()) for name in SCORES}


def measured(task: str, methods: tuple[str, ...] = tuple(METHODS)) -> list[dict[str, Any]]:
    """Train and explain with each of the seeds; return a row for each seed, kind of model, label, method and score.

    Args:
        task: multi_label or regression.
        methods: keys of `METHODS`.

    Returns:
        Rows with `model` ("together", or "alone" for one label), `value` (against the label's own evidence), `other`
        (against that of the other label) and `quality` (of the predictions).
    """
    import pellucid

    planted = beats(task)
    x, rows = planted.x[-EXPLAINED:], []
    for seed in SEEDS[task]:
        together = trained(planted, task, [0, 1], seed)
        for label, name in enumerate(planted.names):
            alone = trained(planted, task, [label], seed)
            classes = task == MULTI_LABEL
            kinds: dict[str, tuple[Any, int, dict[str, Any]]] = {
                "together": (together, label, {"task": task, "target": label}),
                "alone": (alone, -1, {"target": {"why": 1, "not": 0}} if classes else {"task": task, "target": 0}),
            }
            for kind, (model, column, options) in kinds.items():
                answers = np.asarray(model(x))[:, column]
                for method in methods:
                    maps = pellucid.explain(model, x, method, seed=0, **options, **METHODS[method]).attributions
                    own, other = (localisation(planted, maps, place) for place in (label, 1 - label))
                    rows += [
                        {
                            "seed": seed,
                            "model": kind,
                            "label": name,
                            "method": method,
                            "score": score,
                            "value": own[score],
                            "other": other[score],
                            "quality": quality(planted, task, answers, label),
                        }
                        for score in SCORES
                    ]
    return rows


def interval(values: NDArray[np.float64], level: float = 0.95) -> tuple[float, float]:
    """Return Student's interval of the mean of values of independent trainings."""
    from scipy.stats import t

    half = float(t.ppf((1 + level) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return float(values.mean()) - half, float(values.mean()) + half


def main() -> None:
    """Print of each task, label, method and score both means, their difference and its interval over the trainings."""
    import pandas as pd

    from pellucid.network import runtime

    runtime.start(2)
    for task in (MULTI_LABEL, REGRESSION):
        rows = pd.DataFrame(measured(task))
        word = "AUROC" if task == MULTI_LABEL else "R²"
        means = rows.groupby(["label", "model"], sort=False)["quality"].mean()
        told = ", ".join(f"{label} {model} {value:.3f}" for (label, model), value in means.items())
        print(f"\n{task}, {len(SEEDS[task])} trainings each; {word} of {told}")
        print(f"{'label':<12} {'method':<21} {'score':<15} together  alone  difference [95%]         other's evidence")
        for (label, method, score), some in rows.groupby(["label", "method", "score"], sort=False):
            by_model = some.pivot_table(index="seed", columns="model", values="value")
            difference = (by_model["together"] - by_model["alone"]).to_numpy()
            low, high = interval(difference)
            other = some.loc[some["model"] == "together", "other"].mean()
            print(
                f"{label:<12} {method:<21} {score:<15} {by_model['together'].mean():8.3f} {by_model['alone'].mean():6.3f}"
                f"  {difference.mean():+.3f} [{low:+.3f}, {high:+.3f}]  {other:17.3f}",
                flush=True,
            )
