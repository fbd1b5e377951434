"""The files of data with several inputs, and what the rules that read them take from the configuration."""

from __future__ import annotations

from pellucid.config import inputs
from pellucid.config.experiment_files import RESULTS, settings_of
from pellucid.config.experiment_names import none_of, one_of
from pellucid.config.resolution import Config

OTHER_INPUTS = RESULTS + "/data/other_{split}.npz"
SPLITS = ("train", "validation", "test")


def explained(config: Config, experiment: str) -> str | None:
    """Return the name of the explained one of several inputs; None where the data have one."""
    return inputs.explained(settings_of(config, experiment))


def others(config: Config, experiment: str, *splits: str) -> dict[str, str]:
    """Return the files of the inputs beside the explained one, `other_<split>`, as a rule's inputs; none of one."""
    if explained(config, experiment) is None:
        return {}
    return {f"other_{split}": OTHER_INPUTS.format(experiment=experiment, split=split) for split in splits}


def outputs() -> dict[str, str]:
    """Return the patterns of the files of all splits, as a rule's outputs."""
    return {f"other_{split}": OTHER_INPUTS.replace("{split}", split) for split in SPLITS}


def with_several(config: Config) -> str:
    """Return a pattern of the names of the experiments whose data have several inputs; of none, one that never fits."""
    return one_of(_several(config))


def with_one(config: Config) -> str:
    """Return a pattern of the names of all other experiments."""
    return none_of(_several(config))


def _several(config: Config) -> list[str]:
    return [name for name in config.experiments if explained(config, name) is not None]
