"""The files of views: those of the user that parameters name, such as examples of a concept, and tables of measures."""

from __future__ import annotations

from pellucid import plugins
from pellucid.config.experiment_files import RESULTS, results, setting
from pellucid.config.named_files import files_of_view
from pellucid.config.resolution import Config
from pellucid.config.source_files import place
from pellucid.config.variants import variants

# Beside the folder of the view, where the name of a variant could be that of the table.
MEASURES = f"{RESULTS}/views/{{view}}_measures.csv"


def addresses(config: Config, experiment: str, view: str, variant: str) -> list[str]:
    """Return the paths and addresses that a variant of a view names, each once."""
    return files_of_view(view, variants(view, setting(config, experiment, "views", view))[variant])


def paths(config: Config, experiment: str, view: str, variant: str) -> list[str]:
    """Return where the files of `addresses` lie when the view runs, in their order: as `source_files.paths` does."""
    return [place(address) for address in addresses(config, experiment, view, variant)]


def labels(config: Config, experiment: str, view: str) -> list[str]:
    """Return the variants of a view of an experiment."""
    return list(variants(view, setting(config, experiment, "views", view)))


def csv(config: Config, experiment: str, view: str) -> list[str]:
    """Return the table of each variant of a view, in the order of `labels`."""
    return [f"{results(experiment)}/views/{view}/{label}.csv" for label in labels(config, experiment, view)]


def measures(config: Config, experiment: str) -> list[str]:
    """Return the tables of measures of an experiment's views that have some."""
    if experiment in config.unexplained:
        return []
    views = setting(config, experiment, "views")
    return [MEASURES.format(experiment=experiment, view=view) for view in views if plugins.spec("views", view).measures]
