"""The user's files that parameters of views name, such as examples of a concept, as inputs of the views' rules."""

from __future__ import annotations

from pellucid.config.experiment_files import setting
from pellucid.config.named_files import files_of_view
from pellucid.config.resolution import Config
from pellucid.config.source_files import place
from pellucid.config.variants import variants


def addresses(config: Config, experiment: str, view: str, variant: str) -> list[str]:
    """Return the paths and addresses that a variant of a view names, each once."""
    return files_of_view(view, variants(view, setting(config, experiment, "views", view))[variant])


def paths(config: Config, experiment: str, view: str, variant: str) -> list[str]:
    """Return where the files of `addresses` lie when the view runs, in their order: as `source_files.paths` does."""
    return [place(address) for address in addresses(config, experiment, view, variant)]
