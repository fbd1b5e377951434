# Snakemake puts pictures into a report without a job that could look at them: they are compared with their digests here.

from pellucid.jobs import file_digests
from pellucid.errors import InputError
from pellucid.compare.failed_checks import failures

if any(argument.startswith("--report") for argument in sys.argv):
    checked = {
        name: f"{experiment_files.results(name)}/score/checks.csv"
        for name in CONFIG.experiments
        if experiment_files.is_compared(CONFIG, name)
    }
    try:
        file_digests.check([*FIGURES, *PAGES, *checked.values()])
        # The failed checks of each explanation, for the captions, whose templates cannot call functions.
        config["failed"] = {name: failures(table) for name, table in checked.items() if Path(table).is_file()}
    except InputError as error:
        raise WorkflowError(str(error)) from None
