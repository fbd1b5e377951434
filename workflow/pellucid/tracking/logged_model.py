"""Log the model and the data set of an experiment to its run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid import files, own_code
from pellucid.network import runtime

if TYPE_CHECKING:
    from mlflow import MlflowClient


def log(client: MlflowClient, experiment_id: str, run: str, name: str, folder: Path) -> None:
    """Log the model with its signature and an input example, and the data set by `log_input`.

    Args:
        client: of the store.
        experiment_id: of the MLflow experiment.
        run: is finished by this.
        name: of the model.
        folder: of the experiment's results.
    """
    runtime.start()
    import keras
    import mlflow.tensorflow
    from mlflow.data.http_dataset_source import HTTPDatasetSource
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.models import infer_signature

    data: dict[str, Any] = files.read_json(folder / "data" / "data.json")
    training: dict[str, Any] = files.read_json(folder / "model" / "training.json")
    keras.config.disable_interactive_logging()
    safe = not training.get("allow_code", False)
    own_code.restore(training.get("code"), str(folder / "model" / "training.json"))
    model = keras.models.load_model(folder / "model" / "model.keras", compile=False, safe_mode=safe)
    example = files.map_array(folder / "data" / "x_test.npy")[:1]
    requirements = [f"{package}=={version}" for package, version in training["versions"].items()]
    # Only the fluent interface logs models. It finishes the run, so that this comes last.
    with mlflow.start_run(run_id=run):
        # mlflow.keras fails to store an input example: it writes into a folder before creating it.
        logged = mlflow.tensorflow.log_model(
            model,
            name=name,
            signature=infer_signature(example, model(example).numpy()),
            input_example=np.asarray(example),
            pip_requirements=requirements,
            # Not the temporary file that Snakemake runs.
            tags={"mlflow.source.name": "pellucid"},
        )
        for other in client.search_logged_models([experiment_id], f"source_run_id = '{run}'"):
            # A slow server may have begun another one for a request that timed out.
            if other.model_id != logged.model_id:
                client.delete_logged_model(other.model_id)
        source = HTTPDatasetSource(data["homepage"])
        # MLflow allows 36 characters for a digest.
        _log_data_set(
            MetaDataset(source, name=data["source"], digest=data["digest"][:36]),
            {"licence": data["licence"], "citation": data["citation"][:500]},
        )


def _log_data_set(data_set: Any, tags: Mapping[str, str]) -> None:
    """Attach a data set to the active run.

    MLflow looks for the data set and inserts it if it is new. Where another experiment records the same one at the same
    moment, the insertion fails; the next attempt finds it.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    for last in (False, False, True):
        try:
            mlflow.log_input(data_set, context="train, validation, test", tags=dict(tags))
            return
        except MlflowException as error:
            if last or not re.search("unique|duplicate", str(error), re.IGNORECASE):
                raise
