"""Runs every script that some targets need, one after the other in one process, and lists the files that each opens.

One process, since most of the time of a tiny job goes into starting Python and TensorFlow. What native code opens by
itself raises no audit event and is not seen: models are `.keras` archives, which Python's zipfile reads, and arrays are
mapped by way of Python's open.

Usage: python -m tests.support.opened <Snakefile> <folder with config.yaml> <targets>
"""

from __future__ import annotations

import json
import logging
import os
import runpy
import sys
from pathlib import Path
from typing import Any

from snakemake import api, script
from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, Quietness, ResourceSettings

seen: dict[str, set[str]] = {"read": set(), "written": set(), "listed": set()}


def note(kind: str, path: Any, results: str) -> None:
    """Note a path if it lies below the results."""
    if isinstance(path, str | bytes | os.PathLike):
        full = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - Path would open what it resolves
        if full.startswith(results + os.sep):
            seen[kind].add(os.path.relpath(full))


def watch(results: str) -> None:
    """Let Python tell of each file and folder that is opened from now on."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes = (
                any(letter in mode for letter in "wax+") if mode else bool((flags or 0) & (os.O_WRONLY | os.O_RDWR))
            )
            note("written" if writes else "read", path, results)
        elif event == "os.rename":
            note("written", arguments[1], results)
        elif event == "sqlite3.connect":
            note("written", arguments[0], results)
        elif event in ("os.listdir", "os.scandir"):
            note("listed", arguments[0], results)

    sys.addaudithook(hook)


def run(job: Any, scripts: Path) -> dict[str, Any]:
    """Run the script of a job as Snakemake does, and return what its rule declares and what it opened."""
    for path in job.output:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    given = script.Snakemake(
        *(job.input, job.output, job.params, job.wildcards, job.threads, job.resources, job.log),
        *(job.rule.module_globals["config"], job.rule.name, None, str(scripts)),
    )
    for paths in seen.values():
        paths.clear()
    try:
        runpy.run_path(str(scripts / job.rule.script.partition("scripts/")[2]), {"snakemake": given})
    finally:
        logging.getLogger("pellucid").handlers.clear()
    declared = {name: list(map(str, getattr(given, name))) for name in ("input", "output", "log")}
    return {"rule": job.rule.name, **declared, **{name: sorted(paths) for name, paths in seen.items()}}


def main(snakefile: Path, folder: Path, targets: list[str]) -> None:
    """Print a line of JSON for each job, and at last the names of all rules that have a script."""
    os.chdir(folder)
    with api.SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as snakemake:
        settings = ConfigSettings(configfiles=[folder / "config.yaml"])
        plan = snakemake.workflow(ResourceSettings(cores=1), settings, snakefile=snakefile, workdir=folder)
        workflow = plan.dag(DAGSettings(targets=set(targets))).workflow_api._workflow
        workflow._prepare_dag(forceall=False, ignore_incomplete=False, lock_warn_only=True)
        workflow._build_dag()
        watch(str(folder.resolve() / "results"))
        for level in workflow.dag.toposorted():
            for job in sorted(level, key=lambda job: str(job.output)):
                if job.rule.script:
                    print(json.dumps(run(job, snakefile.parent / "workflow" / "scripts")), flush=True)
    print(json.dumps([rule.name for rule in workflow.rules if rule.script]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
