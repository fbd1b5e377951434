"""Check configuration files that somebody else wrote, and run nothing: `python -m pellucid.config.check mine.yaml …`.

The files are merged, in order, over the `config.yaml` of the current folder, as `snakemake --configfile` does; then
`resolution.resolve` checks the result.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from snakemake.common.configfile import load_configfile
from snakemake.utils import update_config

from pellucid.config import file_text, resolution
from pellucid.errors import InputError


def main(paths: Sequence[str]) -> int:
    """Print the faults of the files; return the exit code of the process."""
    own = [path for path in ("config.yaml",) if Path(path).exists()]
    merged: dict[str, Any] = {}
    try:
        for path in (*own, *paths):
            file_text.check(path)
            update_config(merged, load_configfile(path))
        resolved = resolution.resolve(merged)
    except (InputError, resolution.ConfigError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"The configuration can be used. It runs {', '.join(resolved.run)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
