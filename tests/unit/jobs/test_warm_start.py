"""Scripts that start as children of one process, against the same scripts in processes of their own."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from snakemake.benchmark import BenchmarkRecord

from pellucid.jobs import warm_start

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the warm start is for Linux")


def script(path, **changes):
    usual = {
        "threads": 1,
        "resources": {},
        "params": {},
        "bench_record": None,
        "is_local": True,
        "local_path": str(path),
    }
    usual |= {"conda_env": None, "container_img": None, "env_modules": None}
    return SimpleNamespace(**usual | changes)


@pytest.fixture(scope="module")
def parent():
    made = warm_start._Parent(SimpleNamespace(dag=SimpleNamespace(needrun_jobs=lambda: range(99))))
    yield made
    made.end()


@pytest.fixture
def written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text, name="explain.py"):
        path = tmp_path / f"tmp1.{name}"
        path.write_text(text)
        return script(tmp_path / name), str(path)

    return write


STATE = """
import json, os, pathlib, signal, sys, tempfile
handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)]
pathlib.Path("state.json").write_text(json.dumps({
    "arguments": sys.argv, "path": sys.path[0], "name": __name__, "file": __file__, "folder": os.getcwd(),
    "environment": dict(os.environ), "temporary": tempfile.gettempdir(), "handlers": list(map(str, handlers)),
    "standard input": sys.stdin.read(), "descriptors": sorted(os.listdir("/proc/self/fd"))[:3],
}))
"""


def test_a_child_is_what_a_new_process_would_be(parent, written, tmp_path, monkeypatch):
    monkeypatch.setenv("SEEN", "by the job")
    made, path = written(STATE)
    assert parent.run(made, path)
    warm = json.loads(Path("state.json").read_text())
    environment = {**os.environ, **dict.fromkeys(warm_start.THREADS, "1")}
    subprocess.run([sys.executable, path], env=environment, stdin=subprocess.DEVNULL, check=True)
    assert warm == json.loads(Path("state.json").read_text())


def test_tensorflow_is_there_and_nothing_of_it_is_set(parent, written):
    made, path = written(
        "import sys\nassert 'tensorflow' in sys.modules\n"
        "from pellucid.network import runtime\ntf = runtime.start(3)\n"
        "assert tf.config.threading.get_intra_op_parallelism_threads() == 3\n"
        "assert float(tf.reduce_sum(tf.ones(5))) == 5\n"
    )
    for _ in range(2):
        assert parent.run(made, path)


def test_a_child_does_at_its_end_what_it_registered_and_nothing_of_its_parent(parent, written):
    made, path = written(
        "import atexit, pathlib\nassert atexit._ncallbacks() == 0\n"
        "atexit.register(lambda: pathlib.Path('end').write_text('done'))\n"
    )
    assert parent.run(made, path)
    assert Path("end").read_text() == "done"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("import sys; sys.exit(7)", 7),
        ("import sys; sys.exit('what went wrong')", 1),
        ("raise ValueError('what went wrong')", 1),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9),
        ("import sys; sys.exit()", 0),
    ],
)
def test_exit_codes_are_those_of_the_script(parent, written, text, code):
    made, path = written(text)
    if not code:
        assert parent.run(made, path)
        return
    with pytest.raises(subprocess.CalledProcessError) as told:
        parent.run(made, path)
    assert told.value.returncode == code


def test_the_benchmark_measures_the_child(parent, written):
    from snakemake.benchmark import BenchmarkRecord

    made, path = written(
        "import pathlib, time; x = b'1' * 400_000_000\n"
        "while time.process_time() < 2: pass\n"
        "pathlib.Path('taken').write_text(str(time.process_time()))"
    )
    made.bench_record = BenchmarkRecord()
    assert parent.run(made, path)
    assert made.bench_record.running_time > 2
    # Looked at now and then, also after the last look of the child itself; the parent took longer for its imports.
    assert 1 < made.bench_record.cpu_time < float(Path("taken").read_text()) + 0.5
    assert made.bench_record.max_uss > 350


@pytest.mark.parametrize(
    "changes",
    [
        {"conda_env": "x"},
        {"container_img": "x"},
        {"env_modules": ["x"]},
        {"resources": {"shell_exec": "sh"}},
        {"params": {"gpu": {"tf32": False}}},
    ],
)
def test_other_environments_start_as_ever(tmp_path, changes):
    assert warm_start._is_plain(script(tmp_path / "explain.py"), tmp_path)
    assert not warm_start._is_plain(script(tmp_path / "explain.py", **changes), tmp_path)


def test_scripts_of_others_and_records_start_as_ever(tmp_path):
    assert not warm_start._is_plain(script(tmp_path.parent / "explain.py"), tmp_path)
    assert not warm_start._is_plain(script(tmp_path / "track.py"), tmp_path)
    assert not warm_start._is_plain(script(tmp_path / "explain.py", is_local=False), tmp_path)


def test_another_number_of_threads_starts_as_ever(parent, written):
    made, path = written("")
    assert parent.run(made, path)
    made.threads = 2
    assert not parent.run(made, path)


def test_few_jobs_start_no_parent(written):
    few = warm_start._Parent(SimpleNamespace(dag=SimpleNamespace(needrun_jobs=lambda: range(3))))
    assert not few.run(*written(""))
    assert few.process is None


@pytest.mark.parametrize("version", ["9.26.0", "9.28.0", "10.0.0"])
def test_an_unknown_snakemake_is_left_alone(monkeypatch, tmp_path, version):
    import snakemake
    from snakemake.script import PythonScript

    before = PythonScript.execute_script
    monkeypatch.setattr(snakemake, "__version__", version)
    warm_start.install(SimpleNamespace(is_main_process=True), tmp_path)
    assert PythonScript.execute_script is before


def test_jobs_end_with_the_parent_and_later_ones_start_as_ever(written):
    parent = warm_start._Parent(SimpleNamespace(dag=SimpleNamespace(needrun_jobs=lambda: range(99))))
    made, path = written(
        "import os, pathlib, signal, time\npathlib.Path('child').write_text(str(os.getpid()))\n"
        "os.kill(os.getppid(), signal.SIGKILL); time.sleep(60); pathlib.Path('end').touch()"
    )
    with pytest.raises(subprocess.CalledProcessError):
        parent.run(made, path)
    deadline = time.monotonic() + 10
    while psutil.pid_exists(child := int(Path("child").read_text())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(child)
    assert not Path("end").exists()
    assert not parent.run(*written(""))
    parent.end()


def test_a_child_that_ended_before_it_is_measured_fails_nothing():
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    record = BenchmarkRecord()
    with warm_start._measured(ended.pid, record):
        pass
    assert record.process_gone and float(record.to_tsv(extended_fmt=False).split("\t")[0]) == 0
