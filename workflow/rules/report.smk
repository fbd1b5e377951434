# Snakemake puts pictures into a report without a job that could look at them: they are compared with their digests here.

from pellucid import digests
from pellucid.errors import InputError

if any(argument.startswith("--report") for argument in sys.argv):
    try:
        digests.check([*figures(), *over_experiments()])
    except InputError as error:
        raise WorkflowError(str(error)) from None
