"""Log the model and the data set of an experiment to its run."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid import files, own_code
from pellucid.data_info import DataInfo
from pellucid.network import runtime
from pellucid.tracking import uploads
from pellucid.tracking.runs import fitting

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput

    from pellucid.tracking.runs import Runs


def log(record: Runs, run: str, name: str, params: Mapping[str, Any]) -> str:
    """Log the model with its signature and an input example, and the data set; return the model's id.

    MLflow's own `log_model` takes three times as many requests, and finishes the run.

    Args:
        record: of the experiment: the store and the folder of the results.
        run: id of the run.
        name: of the model.
        params: of the experiment, for the page of the model.
    """
    from mlflow.entities import LoggedModelOutput

    client, experiment_id, folder = record.client, record.experiment_id, record.folder
    data: DataInfo = files.read_json(folder / "data" / "data.json")
    _log_data_set(client, run, _data_set(data))
    logged = client.create_logged_model(
        experiment_id,
        name=name,
        source_run_id=run,
        # Not the temporary file that Snakemake runs.
        tags={"mlflow.source.name": "pellucid"},
        params={key: fitting(str(value)) for key, value in params.items()},
    )
    client.log_outputs(run, [LoggedModelOutput(logged.model_id, step=0)])
    with tempfile.TemporaryDirectory() as below:
        _save(Path(below) / "model", folder, run, logged)
        uploads.send_folder(logged.artifact_location, record.uri, Path(below) / "model", record.threads)
    client.finalize_logged_model(logged.model_id, "READY")
    for other in client.search_logged_models([experiment_id], f"source_run_id = '{run}'"):
        # A slow server may have begun another one for a request that timed out.
        if other.model_id != logged.model_id:
            client.delete_logged_model(other.model_id)
    return str(logged.model_id)


def _save(target: Path, folder: Path, run: str, logged: Any) -> None:
    """Write the model in MLflow's format, with which it can be loaded and served."""
    runtime.start()
    import keras
    import mlflow.tensorflow
    from mlflow.models import Model, infer_signature

    training: dict[str, Any] = files.read_json(folder / "model" / "training.json")
    keras.config.disable_interactive_logging()
    safe = not training.get("allow_code", False)
    own_code.restore(training.get("code"), str(folder / "model" / "training.json"))
    model = keras.models.load_model(folder / "model" / "model.keras", compile=False, safe_mode=safe)
    example = _example(folder / "data")
    with _none_registered():
        mlflow.tensorflow.save_model(
            model,
            str(target),
            mlflow_model=Model(
                artifact_path=logged.artifact_location, model_uuid=logged.model_id, run_id=run, model_id=logged.model_id
            ),
            signature=infer_signature(example, model(example).numpy()),
            input_example=example,
            pip_requirements=[f"{package}=={version}" for package, version in training["versions"].items()],
        )


def _example(data: Path) -> Any:
    """Return the first test example as the model takes it, (1, *shape); of several inputs by name."""
    first = np.asarray(files.map_array(data / "x_test.npy")[:1])
    info: DataInfo = files.read_json(data / "data.json")
    if (explained := info.get("explained_input")) is None:
        return first
    others = files.map_arrays(data / "other_test.npz")
    return {explained: first, **{name: np.asarray(array[:1]) for name, array in others.items()}}


@contextmanager
def _none_registered() -> Iterator[None]:
    """Let Keras know no layers of the user's own inside a `with` block.

    MLflow would write all of them into a pickle, which it refuses to read again. Without it the model can be loaded
    where the module that registers its layers has been imported.
    """
    import keras

    registered = keras.saving.get_custom_objects()
    before = dict(registered)
    registered.clear()
    try:
        yield
    finally:
        registered.update(before)


def _data_set(data: DataInfo) -> DatasetInput:
    from mlflow.data.http_dataset_source import HTTPDatasetSource
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.entities import Dataset, DatasetInput, InputTag
    from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

    # MLflow allows 36 characters for a digest.
    described = MetaDataset(HTTPDatasetSource(data["homepage"]), name=data["source"], digest=data["digest"][:36])
    tags = {
        MLFLOW_DATASET_CONTEXT: "train, validation, test",
        "licence": data["licence"],
        "citation": data["citation"][:500],
    }
    return DatasetInput(Dataset(**described.to_dict()), [InputTag(key, value) for key, value in tags.items()])


def _log_data_set(client: MlflowClient, run: str, data_set: DatasetInput) -> None:
    """Attach a data set to a run.

    MLflow looks for the data set and inserts it if it is new. Where another experiment records the same one at the same
    moment, the insertion fails; the next attempt finds it.
    """
    from mlflow.exceptions import MlflowException

    for last in (False, False, True):
        try:
            client.log_inputs(run, datasets=[data_set])
            return
        except MlflowException as error:
            if last or not re.search("unique|duplicate", str(error), re.IGNORECASE):
                raise
