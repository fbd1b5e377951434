"""What an experiment reads from outside: the files of its data source and of its model, here or to download.

All functions take the resolved configuration and know nothing of Snakemake.
"""

from __future__ import annotations

from collections.abc import Mapping

from pellucid import downloads as transfers
from pellucid.config import named_files, no_shared_files
from pellucid.config.experiment_files import settings_of
from pellucid.config.resolution import Config


def about_data(config: Config, experiment: str) -> dict[str, str]:
    """Return what the report says of an experiment's data source: title, licence, citation and homepage."""
    spec = named_files.spec_of(settings_of(config, experiment), "dataset")
    return {"title": spec.title, "licence": spec.licence, "citation": spec.citation, "homepage": spec.homepage}


def downloaded(address: str) -> str:
    """Return the path of the file that is downloaded, or brought into the storage, from `address`."""
    return f"results/downloads/{transfers.place(address)}"


def paths(config: Config, experiment: str, key: str) -> dict[str, str]:
    """Return the files that the data source (`key` "dataset") or the model ("model") reads, by parameter.

    A local file is used where it lies; any other is downloaded first. Where no file system is shared, local files are
    brought into the storage in the same way.
    """
    return {name: place(address) for name, address in named_files.files(settings_of(config, experiment), key)}


def place(address: str) -> str:
    """Return where the file of a path or an address lies when a job reads it."""
    return str(transfers.local_path(address)) if _stays(address) else downloaded(address)


def parameters(config: Config, experiment: str, key: str) -> list[str]:
    """Return the parameters whose files `paths` returns."""
    return list(paths(config, experiment, key))


def downloads(config: Config) -> dict[str, dict[str, str]]:
    """Return address and checksums of every file to download or bring for data, models or views, by its new path."""
    of_views = {
        downloaded(address): {"address": address}
        for settings in config.experiments.values()
        for _, address in named_files.files_of_views(settings)
        if not _stays(address)
    }
    return of_views | {
        downloaded(address): {"address": address, **transfers.checksums(settings[key], name)}
        for settings in config.experiments.values()
        for key in named_files.FILES
        for name, address in named_files.files(settings, key)
        if not _stays(address)
    }


def brought(source: Mapping[str, str]) -> list[str]:
    """Return the local file that is brought into the storage, for an entry of `downloads`; nothing for an address."""
    address = source["address"]
    return [str(transfers.local_path(address))] if transfers.is_local(address) else []


def _stays(address: str) -> bool:
    return transfers.is_local(address) and not no_shared_files.files_travel()


def folder_digest(config: Config, experiment: str) -> str:
    """Return a digest of the names, sizes and times of the files in the folders that the data source reads."""
    return named_files.listing_of(settings_of(config, experiment))
