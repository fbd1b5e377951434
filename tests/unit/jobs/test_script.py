"""What a script does around its call: how a job says that it was ended."""

import logging
from types import SimpleNamespace

import pytest

from pellucid.jobs.script import job


def test_a_job_that_is_ended_by_ctrl_c_says_one_line(tmp_path, capsys):
    output, log = str(tmp_path / "model"), str(tmp_path / "a.log")
    params = SimpleNamespace(items=dict)
    snakemake = SimpleNamespace(wildcards=["a"], rule="train", input=[], log=[log], output=[output], params=params)
    logger = logging.getLogger("pellucid")
    before = list(logger.handlers)
    try:
        with pytest.raises(SystemExit) as ended, job(snakemake):
            raise KeyboardInterrupt
    finally:
        for handler in [handler for handler in logger.handlers if handler not in before]:
            logger.removeHandler(handler)
            handler.close()
        logger.propagate = True
    assert ended.value.code == 130
    assert capsys.readouterr().err.splitlines() == ["[a train] ended by Ctrl-C: run the same command again to go on"]
