"""How TensorFlow is started."""

import json
import subprocess
import sys
from pathlib import Path

WORKFLOW = Path(__file__).resolve().parents[3] / "workflow"
TOLD = """
import json
import numpy as np
from threadpoolctl import threadpool_info
from pellucid.network import runtime
tf = runtime.start(threads=2)
import scipy.linalg
print(json.dumps([
    tf.config.threading.get_intra_op_parallelism_threads(),
    tf.config.threading.get_inter_op_parallelism_threads(),
    {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} <= {1},
]))
"""


def test_tensorflow_has_the_threads_that_were_asked_for_and_blas_has_one_also_where_it_is_loaded_later():
    done = subprocess.run([sys.executable, "-c", TOLD], cwd=WORKFLOW, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [2, 1, True]
