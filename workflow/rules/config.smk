# Find the package, and check the files and entries of the configuration, before Snakemake merges them.

import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

# In a clone the package lies beside the rules; where it was installed, Python finds it.
PACKAGE = Path(str(workflow.current_basedir)).parent
if (PACKAGE / "pellucid").is_dir():
    sys.path.insert(0, str(PACKAGE))
# Another workflow may use this one as a module: the configuration files and options are then those of that workflow.
MODULE_CONFIG = workflow.modifier.skip_configfile

try:
    from pellucid.config import file_text
    from pellucid.errors import InputError
except ModuleNotFoundError as error:
    raise WorkflowError(f"{sys.executable} lacks a package that Pellucid needs: {error}. Install Pellucid as README says.") from None

try:
    if not MODULE_CONFIG:
        file_text.check_entries(workflow.config_settings.config_args)
        # Jobs need no second check: the main process has checked the files before it planned them.
        if workflow.is_main_process:
            for path in [Path("config.yaml"), *workflow.config_settings.configfiles]:
                if path.exists():
                    file_text.check(path)
except InputError as error:
    raise WorkflowError(f"The configuration cannot be used:\n{error}") from None
