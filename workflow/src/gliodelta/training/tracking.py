"""Weights & Biases, off by default: the workflow's own record is history.tsv."""

import contextlib


@contextlib.contextmanager
def tracked_run(settings, name, folder):
    """Opens a run there and yields the function that sends it one row of a history.

    Args:
        settings: dict with `mode` (disabled | offline | online) and `project`.
        name: name of the run, made of recipe or arm and split: nothing about a patient.
        folder: where wandb keeps its files.

    Yields:
        A function of one dict of numbers, or None when the mode is disabled.
    """
    if settings["mode"] == "disabled":
        yield None
        return
    import wandb

    # Numbers and the run's name are all that leaves: no host, user, path, code, console or machine statistics.
    quiet = wandb.Settings(
        console="off",
        disable_code=True,
        disable_git=True,
        disable_job_creation=True,
        host="",
        program="",
        root_dir=str(folder),
        silent=True,
        x_disable_machine_info=True,
        x_disable_meta=True,
        x_disable_stats=True,
        x_save_requirements=False,
    )
    with wandb.init(mode=settings["mode"], project=settings["project"], name=name, settings=quiet) as run:
        yield run.log
    # Waits until wandb's own process has written everything.
    wandb.teardown()


def run_name(stage, **wildcards):
    """Returns the name of a run: the stage and the rule's wildcards, such as ``transfer arm-vgg fold-2``."""
    return " ".join([stage, *(f"{key}-{value}" for key, value in wildcards.items())])
