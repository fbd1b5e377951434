# The package is found, and the files and entries of the configuration are checked, before Snakemake merges them.

import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

ROOT = Path(workflow.basedir)
PACKAGE = ROOT / "workflow"
sys.path.insert(0, str(PACKAGE))

from pellucid.config import file_text
from pellucid.errors import InputError

try:
    file_text.check_entries(workflow.config_settings.config_args)
    # Jobs get what has been checked before they were planned.
    if workflow.is_main_process:
        for path in [Path("config.yaml"), *workflow.config_settings.configfiles]:
            if path.exists():
                file_text.check(path)
except InputError as error:
    raise WorkflowError(f"The configuration cannot be used:\n{error}") from None
