"""The command `pellucid`: one file for each subcommand. It starts Snakemake and hides nothing of it."""
