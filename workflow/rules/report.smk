# Snakemake puts pictures into a report without a job that could look at them: they are compared with their digests here.

from pellucid.jobs import file_digests
from pellucid import files
from pellucid.errors import InputError
from pellucid.compare.failed_checks import failures
from pellucid.jobs import small_report
from pellucid.page import report_text

if any(argument.startswith("--report") for argument in sys.argv):
    checked = {
        name: f"{experiment_files.results(name)}/score/checks.csv"
        for name in CONFIG.experiments
        if experiment_files.is_compared(CONFIG, name)
    }
    predicted = {name: path for name in CONFIG.experiments for path in evaluation_files.chance(CONFIG, name).values()}
    try:
        file_digests.check([*FIGURES, *PAGES, *SUMMARIES.values(), *checked.values(), *predicted.values()])
        # For the first page, whose template cannot call functions.
        config["summaries"] = report_text.first_page(SUMMARIES, dict(zip(CONFIG.experiments, PAGES, strict=True)))
        # The failed checks of each explanation, for the captions, whose templates cannot call functions.
        config["failed"] = {name: failures(table) for name, table in checked.items() if Path(table).is_file()}
        # What is to be known of a model that is no better than chance.
        config["chance"] = {
            name: files.read_json(fact)["headline"] for name, fact in predicted.items() if Path(fact).is_file()
        }
    except InputError as error:
        raise WorkflowError(str(error)) from None
    small_report.install(PACKAGE / "report" / "report.css")
