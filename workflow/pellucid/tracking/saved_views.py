"""Views of the list of runs that are kept with the MLflow experiment: its columns, a search, an order.

MLflow keeps a shared view as a tag of the experiment, and opens it by the key in the address of the page.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pellucid.tracking.score_metrics import MEAN_RANK, leading

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

EXPERIMENTS = "pellucid"
EXPLANATIONS = "pellucid-explanations"
# MLflow's prefix of the tags of shared views, and the mode of its pages for models (not for language model agents).
_TAG = "mlflow.sharedViewState."
_MODE = {"mlflow.experimentKind": "custom_model_development"}
# Milliseconds: the date in MLflow's list of views. It is fixed, so that the tags never change.
_MADE = 1_767_225_600_000


def save(client: MlflowClient, experiment: Experiment) -> None:
    """Store the views with the experiment, unless they are stored already as they are here."""
    tags = {f"{_TAG}{key}": _in_tag(name, *view) for key, (name, *view) in _views().items()}
    for key, value in {**_MODE, **tags}.items():
        if experiment.tags.get(key) != value:
            client.set_experiment_tag(experiment.experiment_id, key, value)


def page(identity: str, view: str = EXPERIMENTS) -> str:
    """Return the path of MLflow's page that shows a view of an experiment."""
    return f"/#/experiments/{identity}/runs?workflowType=machine_learning&viewStateShareKey={view}"


def _views() -> dict[str, tuple[str, dict[str, int], dict[str, Any]]]:
    """Return each view by its key: its name, its columns with their widths in pixels, and what it searches for."""
    failed = _tag("pellucid.failed_checks")
    experiments = {
        _metric("accuracy"): 100,
        _metric("balanced_accuracy"): 150,
        _metric(leading()): 380,
        _tag("pellucid.best_explanation"): 220,
        _metric(MEAN_RANK): 180,
        failed: 190,
    }
    explanations = {
        _metric(leading()): 380,
        _metric(MEAN_RANK): 180,
        failed: 190,
        _tag("pellucid.experiment"): 150,
        _tag("pellucid.method"): 150,
    }
    search = {
        "searchFilter": "tags.\"pellucid.kind\" = 'explanation'",
        "orderByKey": _metric(leading()),
        "orderByAsc": False,
    }
    return {
        EXPERIMENTS: ("Experiments", experiments, {}),
        EXPLANATIONS: ("Explanations of all experiments", explanations, search),
    }


def _in_tag(name: str, widths: dict[str, int], search: dict[str, Any]) -> str:
    """Return a view as MLflow's page reads it: JSON in JSON."""
    # The duration is no column that can be chosen: it is always there, and would come last.
    placed = {"duration": 90, **widths}
    state = {**search, "selectedColumns": [*widths], "columnOrder": [*placed], "columnWidths": placed}
    return json.dumps({"name": name, "createdAt": _MADE, "updatedAt": _MADE, "state": json.dumps(state)})


def _metric(name: str) -> str:
    return f"metrics.`{name}`"


def _tag(name: str) -> str:
    return f"tags.`{name}`"
