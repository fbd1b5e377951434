"""What a run says in the terminal: the events of Snakemake as one line each, and the lines of a job's log."""

import io
import logging

import pytest
from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter
from snakemake_interface_logger_plugins.common import LogEvent

from pellucid.jobs import job_lines, terminal

FIGURE = "results/digits/explain/saliency/saliency.png"


@pytest.fixture
def said(monkeypatch):
    """Return a function that logs events to a terminal as Snakemake does, and returns what the terminal shows."""
    monkeypatch.delenv(job_lines.VERBOSE, raising=False)
    stream = io.StringIO()
    quiet = DefaultFilter(quiet=set(), debug_dag=False, verbose=False, dryrun=False, printshellcmds=False)
    handler = ColorizingTextHandler(stream=stream, formatter=DefaultFormatter(set(), True), filter=quiet)
    logger = logging.Logger("snakemake")
    logger.addHandler(handler)

    def log(*events, verbose=False):
        terminal.use_short_lines(logger, verbose=verbose)
        for message, fields in events:
            level = logging.ERROR if fields.get("event") is LogEvent.JOB_ERROR else logging.INFO
            logger.log(level, message, extra=fields)
        return stream.getvalue().splitlines()

    return log


def job(number, message, output=(FIGURE,), rule="draw_explanation"):
    known = {"rule_msg": message, "rule_name": rule, "output": list(output), "wildcards": {"experiment": "digits"}}
    rest = {"reason": "Missing output files", "input": [], "log": [], "benchmark": None, "local": False}
    rest |= {"is_checkpoint": False, "priority": 0, "threads": 1, "resources": {}, "indent": False}
    return f"Rule: {rule}", {"event": LogEvent.JOB_INFO, "jobid": number, **known, **rest}


def finished(number):
    return f"Finished jobid: {number} (Rule: x)", {"event": LogEvent.JOB_FINISHED, "job_id": number}


def progress(done, total=3):
    return None, {"event": LogEvent.PROGRESS, "done": done, "total": total}


STARTED = [
    ("Building DAG of jobs...", {}),
    ("Job stats:\njob  count\n...", {"event": LogEvent.RUN_INFO, "stats": {"total": 3}}),
    ("Select jobs to execute...", {}),
]


def test_a_job_is_a_line_with_the_progress_of_the_run(said):
    lines = said(*STARTED, job(1, "Prepare the data of digits", ["x.npy"]), finished(1), progress(1), job(2, "Draw it"))
    assert lines == ["3 jobs", "[0/3] Prepare the data of digits", "[1/3] Draw it"]


def test_the_first_figure_of_an_explanation_is_named_once(said):
    events = [
        job(1, "Draw the data", ["results/digits/data/examples.png"]),
        finished(1),
        job(2, "Draw a control", [FIGURE.replace("saliency", "random_attribution")]),
        finished(2),
        job(4, "Draw it"),
        finished(4),
    ]
    lines = said(*STARTED, *events, job(3, "Draw more"), finished(3), progress(3))
    assert [line for line in lines if "first figure" in line] == [
        f"[0/3] The first figure of an explanation is ready: {FIGURE}"
    ]
    assert lines[-1] == "[3/3] All 3 jobs are done."


def test_the_last_line_names_the_pages_as_the_shell_finds_them(said, tmp_path, monkeypatch):
    page = "results/digits/page.html"
    events = [*STARTED, job(1, "Write the page of digits", [page, "results/digits/summary.json"], "page"), finished(1)]
    assert said(*events, progress(3))[-1] == f"[3/3] All 3 jobs are done. Open in a browser: {page}"
    assert terminal.from_the_shell(page) == page
    (tmp_path / "study").mkdir()
    monkeypatch.setattr("sys.argv", ["snakemake", "--directory", "study"])
    monkeypatch.chdir(tmp_path / "study")
    for shell, expected in [(tmp_path, f"study/{page}"), (tmp_path / "other", str(tmp_path / "study" / page))]:
        monkeypatch.setenv("PWD", str(shell))
        assert terminal.from_the_shell(page) == expected


def test_a_rule_without_a_message_is_named_and_a_list_of_targets_is_not(said):
    lines = said(*STARTED, job(1, None, ["summary.txt"], "summary"), job(0, None, [], "all"))
    assert lines == ["3 jobs", "[0/3] summary digits"]


def test_an_error_stays_whole_with_its_log(said, tmp_path):
    log = tmp_path / "train.log"
    log.write_text("model: found 3 classes; expected 2.\n")
    fields = {"event": LogEvent.JOB_ERROR, "rule_msg": "Train it", "rule_name": "train", "jobid": 4}
    fields |= {"input": ["x.npy"], "output": ["model.keras"], "log": [str(log)], "conda_env": None, "shellcmd": None}
    lines = said(*STARTED, ("Error", {**fields, "aux": {}, "indent": False}), ("Something that nobody foresaw", {}))
    for part in ("Error in rule train:", "    input: x.npy", "    output: model.keras", f"Logfile {log}:"):
        assert part in lines
    assert "model: found 3 classes; expected 2." in lines
    assert lines[-1] == "Something that nobody foresaw"


def test_verbose_keeps_the_words_of_snakemake(said, monkeypatch):
    monkeypatch.setenv(job_lines.VERBOSE, "")
    lines = said(*STARTED, job(1, "Draw it"), finished(1), verbose=True)
    assert "Building DAG of jobs..." in lines
    assert "Reason: Missing output files" in lines
    assert any("Finished jobid: 1" in line for line in lines)


def shown(lines, monkeypatch, at=()):
    """The messages that the terminal of a job shows, each logged at a second since its start."""
    monkeypatch.delenv(job_lines.VERBOSE, raising=False)
    clock = iter([0.0])
    monkeypatch.setattr(job_lines.time, "monotonic", lambda: next(clock))
    kept = job_lines.JobLines()
    seen = []
    for second, (level, name, message) in zip(at, lines, strict=True):
        monkeypatch.setattr(job_lines.time, "monotonic", lambda second=second: float(second))
        if kept.filter(logging.LogRecord(name, level, "", 0, message, (), None)):
            seen.append(message)
    return seen


def test_a_job_shows_warnings_and_results_and_where_it_stands_after_half_a_minute(monkeypatch):
    lines = [
        (logging.INFO, "pellucid.train.epochs", "epoch 1"),
        (logging.WARNING, "pellucid.train.epochs", "it diverges"),
        (logging.INFO, "pellucid.evaluate.run", "accuracy 0.9"),
        (logging.INFO, "pellucid.train.epochs", "epoch 2"),
        (logging.INFO, "pellucid.train.epochs", "epoch 3"),
        (logging.INFO, "pellucid.train.epochs", "epoch 4"),
    ]
    seen = shown(lines, monkeypatch, (1, 2, 3, 31, 32, 62))
    assert seen == ["it diverges", "accuracy 0.9", "epoch 2", "epoch 4"]
