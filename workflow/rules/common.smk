# What the rules share: the resolved configuration, and functions of the wildcards, which call pellucid.config.

from snakemake.settings.types import SharedFSUsage
from snakemake.utils import update_config

from pellucid import plugins
from pellucid.config import resolution as configuration
from pellucid.config import (
    evaluation_files,
    experiment_files,
    input_files,
    job_resources,
    kept_checkpoints,
    no_shared_files,
    page_files,
    scored_files,
    source_files,
    study_files,
    summary_files,
    tune_files,
    view_files,
)
from pellucid.config.experiment_names import none_of
from pellucid.config.job_priorities import PRIORITIES, explanation_priority
from pellucid.config.study_files import COMPARISON, STUDY
from pellucid.config.experiment_files import DATA_INFO, EXPLANATION, MODEL, PAGE, RESULTS, TRAINING_EXAMPLES
from pellucid.jobs import warm_start
from pellucid.jobs.code_digest import code_digest, script_digest, script_modules
from pellucid.jobs.script import share_package
from pellucid.jobs.terminal import use_short_lines
from pellucid.messages import first_line
from pellucid.train import checkpoint_store as checkpoints_in_s3
from pellucid.train import random_labels
from pellucid.user_text import in_params

if (PACKAGE / "pellucid").is_dir():
    share_package(PACKAGE)
if MODULE_CONFIG:
    # A copy, since entries are added below, and each `use rule` of the other workflow reads these files again.
    config = dict(config)
elif workflow.is_main_process and not workflow.output_settings.dryrun:
    use_short_lines(logger, verbose=workflow.output_settings.verbose)
warm_start.install(workflow, PACKAGE / "scripts")

# Jobs that share no file system get their files from a storage: --default-storage-provider, --shared-fs-usage none.
SHARED = SharedFSUsage.INPUT_OUTPUT in workflow.storage_settings.shared_fs_usage
no_shared_files.announce(shared=SHARED, main=workflow.is_main_process)

# The configuration is checked here, before any rule is read. Snakemake takes numbers inside a mapping of --config for
# texts. They become numbers again, as in config.yaml, unless they stand in quotes.
if not MODULE_CONFIG:
    quoted = configuration.quoted_texts(workflow.config_settings.config_args)
    update_config(config, configuration.typed(workflow.config_settings.config, quoted))
try:
    CONFIG = configuration.resolve(config)
except configuration.ConfigError as error:
    raise WorkflowError(f"The configuration cannot be used:\n{error}") from None

for line in experiment_files.notes(CONFIG):
    logger.info(line)

# With gpu, what a rule with a model asks for, and the parameter by which its results are known; without, nothing, so that
# results of runs without a card stay as they are.
ONE_CARD = {"gpu": 1} if CONFIG.gpu else {}
DEVICE = {"gpu": CONFIG.gpu} if CONFIG.gpu else {}
# One card, unless --resources gpu=… says how many this machine has: Snakemake knows no limit of its own.
if CONFIG.gpu and workflow.is_main_process and not workflow.non_local_exec and "gpu" not in workflow.global_resources:
    workflow.register_resource("gpu", 1)

# The folder of the checkpoints of each rule that trains.
CHECKPOINTS = {
    **dict.fromkeys(("train", "train_keeping_checkpoints"), f"{RESULTS}/checkpoints"),
    "train_random_labels": f"{RESULTS}/random_labels/checkpoints",
}

FIGURES = [
    *experiment_files.all_figures(CONFIG),
    *summary_files.all_figures(CONFIG),
    *tune_files.all_figures(CONFIG),
]
FIGURES += study_files.figures_over_experiments(CONFIG)
PAGES = page_files.all_pages(CONFIG)
SUMMARIES = page_files.all_summaries(CONFIG)
# Files of data sources and of models to download.
DOWNLOADS = source_files.downloads(CONFIG)
# Relative to the files of the rules, so that it does not depend on the folder where the workflow is started.
CONDA = "../../envs/pellucid.yaml"


def from_config(function, *arguments):
    """Return a function of the wildcards that calls `function(CONFIG, <experiment or study>, *arguments)`.

    Wildcards in the arguments, such as "{method}", are replaced. Nothing is computed before it is needed, since the
    process of every job reads all rules.
    """

    def call(wildcards):
        name = wildcards.get("experiment") or wildcards.study
        try:
            return function(CONFIG, name, *(argument.format(**wildcards) for argument in arguments))
        except experiment_files.TargetError as error:
            raise WorkflowError(str(error)) from None

    return call


def param(function, *arguments):
    """Return a function as `from_config` does, for a parameter of a rule: its texts are safe in the report."""
    call = from_config(function, *arguments)
    return lambda wildcards: in_params(call(wildcards))


def setting(*keys):
    """Return a function of the wildcards that returns one entry of the experiment's settings."""
    return param(experiment_files.setting, *keys)


def spec_field(package, plugin, field):
    """Return a function of the wildcards that returns one field of a plugin's SPEC, such as its paper."""
    return lambda wildcards: getattr(plugins.spec(package, plugin.format(**wildcards)), field)


def code_of(script, *modules):
    """Return a function of the wildcards that returns a digest of a rule's code: its script's imports and its plugins.

    Args:
        script: name of the rule's script, without its suffix.
        modules: the plugins, which no script imports by name. Each is a module such as "explain.{method}", or a
            function of the wildcards that returns several modules.
    """

    def digest(wildcards):
        names = [
            name
            for module in modules
            for name in (module(wildcards) if callable(module) else [module.format(**wildcards)])
        ]
        imported = code_digest(*script_modules(script), *(f"pellucid.{name}" for name in names))
        return f"{script_digest(script)} {imported}"

    return digest


def logs(rule):
    """Return the log of a rule."""
    return f"{RESULTS}/logs/{rule}.log"


def costs(rule):
    """Return the file with the time and the memory that a rule needed."""
    return f"{RESULTS}/benchmarks/{rule}.tsv"


def memory(kind):
    """Return a function that estimates the memory of a rule's job in MB: `resources: mem_mb`."""

    def estimate(wildcards, input, attempt):
        return job_resources.memory_mb(CONFIG, kind, input, attempt)

    return estimate


def minutes(kind):
    """Return a function that estimates the time of a rule's job: `resources: runtime`."""

    def estimate(wildcards, input, attempt):
        return job_resources.minutes(CONFIG, kind, input, attempt)

    return estimate


def other_training_inputs(input):
    """Return the file of the training examples' other inputs in a list; none of data with one input."""
    return [path for name, path in input.items() if name == "other_train"]


def training_memory(wildcards, input, attempt):
    """Return the memory of a training in MB."""
    batch_size = from_config(experiment_files.setting, "training", "batch_size")(wildcards)
    model_files = from_config(source_files.paths, "model")(wildcards).values()
    return job_resources.training_memory_mb(
        batch_size, input.x_train, model_files, attempt, other_training_inputs(input)
    )


def training_minutes(wildcards, input, attempt):
    """Return the time of a training."""
    epochs = from_config(experiment_files.setting, "training", "epochs")(wildcards)
    return job_resources.training_minutes(epochs, input.x_train, attempt, other_training_inputs(input))


def checkpoint_store(rule):
    """Return the resource that names where a training keeps its checkpoints; nothing with a shared file system."""
    if SHARED or workflow.storage_settings.default_storage_provider != "s3":
        return {}
    return {"checkpoint_store": lambda wildcards: stored_checkpoints(rule, wildcards)}


def stored_checkpoints(rule, wildcards):
    """Return the address of the checkpoints of a training in the storage."""
    prefix = workflow.storage_settings.default_storage_prefix.rstrip("/")
    return f"{prefix}/{CHECKPOINTS[rule].format(experiment=wildcards.experiment)}"


def remove_checkpoints(job):
    """Remove the checkpoints of a training from the storage; a storage that refuses is only told."""
    if workflow.storage_settings.default_storage_provider == "s3":
        address = stored_checkpoints(job.rule.name, job.wildcards)
        try:
            checkpoints_in_s3.remove(address)
        except Exception as error:
            logger.warning(f"The checkpoints in {address} could not be removed: {first_line(error)}")


def random_labels_minutes(wildcards, input, attempt):
    """Return the time of a training on random labels."""
    epochs = random_labels_training(wildcards)["epochs"]
    return job_resources.training_minutes(epochs, input.x_train, attempt, other_training_inputs(input))


def download_source(wildcards):
    """Return the address and the checksums of a downloaded file."""
    return DOWNLOADS[f"results/downloads/{wildcards.key}/{wildcards.file}"]


def brought_file(wildcards):
    """Return the local file that is brought into the storage; nothing for one that is downloaded."""
    return [local(path) for path in source_files.brought(download_source(wildcards))]


def random_labels_training(wildcards):
    """Return the `training` entry of the model that is trained on random labels."""
    training, score = from_config(experiment_files.setting, "training"), from_config(
        experiment_files.setting, "scores", "random_labels"
    )
    return in_params(random_labels.recipe(training(wildcards), score(wildcards)["epochs"]))


def random_labels_seed(wildcards):
    """Return the seed of the training on random labels."""
    return random_labels.seed(from_config(experiment_files.setting, "seed")(wildcards))
