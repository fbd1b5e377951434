"""Experiments whose evidence is planted, and no others, are asked whether their model uses it."""

from tests.support import tiny

CONFIG = {
    "run": ["planted", "digits"],
    "defaults": {"training": {"epochs": 1}, "methods": {"saliency": {}}},
    "experiments": {
        "planted": {
            "dataset": {"source": "planted_digits", "per_class": 40, "size": 8},
            "model": {"architecture": "digit_cnn"},
        },
        "digits": tiny.DIGITS,
    },
}


def test_the_record_of_an_experiment_with_planted_evidence_needs_it(tmp_path):
    tiny.write_config(tmp_path, CONFIG)
    done = tiny.snakemake(tmp_path, "--dry-run")
    assert done.returncode == 0, done.stderr[-3000:]
    said = done.stdout + done.stderr
    assert "results/planted/evaluation/evidence.csv" in said
    assert "results/planted/evaluation/evidence.png" in said
    assert "results/digits/evaluation/evidence" not in said


def test_a_source_without_evidence_is_refused_before_any_job(tmp_path):
    tiny.write_config(tmp_path, CONFIG)
    done = tiny.snakemake(tmp_path, "--cores", "1", "results/digits/evaluation/evidence.csv")
    assert done.returncode != 0
    assert 'plants no evidence: found "digits"; expected one that does, for' in done.stdout + done.stderr
    assert not (tmp_path / "results/digits/data").exists()
