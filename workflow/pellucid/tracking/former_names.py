"""Give runs of earlier versions the current names, so that they stand beside new runs in lists and comparisons.

MLflow cannot rename a metric: the old name stays beside the new one, with the same value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pellucid.tracking import score_metrics
from pellucid.tracking.record import run_name
from pellucid.tracking.runs import every_run

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Run

# Tag of an MLflow experiment: the names of its runs are those of this version.
_TAG = "pellucid.names"
_VERSION = "2"
_PREFIX = "score."


def renew(client: MlflowClient, experiment: Experiment) -> None:
    """Bring the names of runs and of metrics up to date, once for an MLflow experiment.

    A process that is killed leaves the experiment without its tag, and the next one begins again.
    """
    if experiment.tags.get(_TAG) == _VERSION:
        return
    for run in every_run(client, experiment.experiment_id):
        _rename(client, run)
        _copy_scores(client, run)
    client.set_experiment_tag(experiment.experiment_id, _TAG, _VERSION)


def _rename(client: MlflowClient, run: Run) -> None:
    """Put the experiment before the name of the run of an explanation or a view, unless the user has named it."""
    tags, name = run.data.tags, run.info.run_name or ""
    plugin = tags.get("pellucid.method") or tags.get("pellucid.view")
    if plugin and (name == plugin or name.startswith(f"{plugin}.")):
        client.update_run(run.info.run_id, name=run_name(tags["pellucid.experiment"], name))


def _copy_scores(client: MlflowClient, run: Run) -> None:
    """Log `score.<score>.<metric>` as `score/<score>/<metric>` as well, with its time."""
    from mlflow.entities import Metric

    held, copies = run.data.metrics, []
    for name, value in held.items():
        score, dot, metric = name.removeprefix(_PREFIX).partition(".")
        today = score_metrics.named(score, metric)
        if name.startswith(_PREFIX) and dot and today not in held:
            copies.append(Metric(today, value, run.info.start_time, 0))
    for start in range(0, len(copies), 1000):
        client.log_batch(run.info.run_id, metrics=copies[start : start + 1000])
