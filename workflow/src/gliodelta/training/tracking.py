"""What surrounds a training: its live state, and Weights & Biases, which is off by default.

The workflow's own record of a training is history.tsv.
"""

import contextlib

from gliodelta.training.checkpoint import Checkpoint


@contextlib.contextmanager
def training_job(stage, wildcards, scratch, code, deadline, tracking):
    """Opens what the training of one job needs besides its inputs.

    Args:
        stage: name of the stage.
        wildcards: dict of the job's wildcards; with the stage they name the run.
        scratch: folder of unfinished state of all stages.
        code, deadline: see `checkpoint.Checkpoint`; the deadline in minutes.
        tracking: settings of `tracked_run`.

    Yields:
        dict with `checkpoint` and `watch`, arguments of the training.
    """
    name, folder = run_name(stage, **wildcards), f"{scratch}/{stage}"
    with tracked_run(tracking, name, folder) as watch:
        yield {"checkpoint": Checkpoint(folder, code, deadline).of(name), "watch": watch}


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
