"""The encoder of one recipe and split, from the weak labels that the recipe's cut keeps."""

from gliodelta import io, plugins
from gliodelta.lineage import excluded_patients
from gliodelta.manifests import kept_out, patients_of
from gliodelta.schema import InvalidInput
from gliodelta.status import Excluded
from gliodelta.training.data import cut_weak
from gliodelta.training.devices import group, launch, usable_gpus
from gliodelta.training.loop import HISTORY
from gliodelta.training.models import build_model, card_of, save_model


def pretrain_encoder(
    weak, lineage, folds, split, cache, recipe, training, outputs, checkpoint=None, threads=1, watch=None
):  # fmt: skip
    """Trains the encoder and writes it with where it comes from.

    Where the cut leaves too little to train on, the encoder is a freshly initialised one and its lineage says so: one
    thin fold does not stop a study.

    Args:
        weak: the split's weak list, which holds no validation or test patient.
        lineage: lineage.json of the split's manifest.
        folds: table of `splits.split_patients`.
        split: dict with `repeat`, `fold` and `inner`, the split that is asked for.
        cache: safetensors file of the recipe's grid (`data.load_maps`).
        recipe: row of recipes.tsv (dict); loss, augmentation, weak_labels and weighting may be missing.
        training: section `training` of the configuration: grids, pretraining_epochs, pretraining_learning_rate,
            patience, batch_size, seed and, to spread the training over several GPUs, pretraining_devices.
        outputs: dict with the paths to write: `encoder` (safetensors), `history` (table, one row an epoch) and
            `lineage` (JSON: the split, its `excluded`, the recipe, `status` trained | untrained, reason, and the counts
            of patients, pairs and unstable pairs that the cut kept).
        checkpoint: `training.checkpoint.Checkpoint` of the job, or None.
        threads: CPU threads of all processes together.
        watch: function that is called with each new row of the history, or None.

    Raises:
        InvalidInput: the manifest is another split's, or lets through a patient whom the split keeps out.
        SystemExit: 75, when the checkpoint's deadline passes.
    """
    work = {"weak": weak, "lineage": lineage, "folds": folds, "split": split, "cache": cache, "recipe": recipe}
    work |= {"training": training, "outputs": outputs, "checkpoint": checkpoint}
    count = usable_gpus(training.get("pretraining_devices", 1))
    if count == 1:
        _pretrain(**work, threads=threads, watch=watch)
        return
    launch(count, "cuda", _pretrain, {**work, "threads": max(1, threads // count)})
    if watch:
        # Other processes have trained; the history is read out once they are done.
        for row in io.read_table(outputs["history"]).to_dict("records"):
            watch(row)


def _pretrain(weak, lineage, folds, split, cache, recipe, training, outputs, checkpoint, threads, watch=None):
    """What each process of the training does; the first one writes."""
    import pandas as pd
    import torch

    torch.set_num_threads(threads)
    rows = io.read_table(weak)
    origin = _origin(lineage, split, rows, folds)
    rows = cut_weak(rows, recipe["cut_by"], recipe["cut"])
    card = card_of(recipe, training)
    model = build_model(card, training["seed"])
    method = plugins.load(plugins.METHODS, recipe["method"])
    status, reason = "trained", ""
    try:
        history = method.pretrain(model, rows, cache, recipe, training, checkpoint, watch)
    except Excluded as lack:
        history, status, reason = pd.DataFrame(columns=HISTORY), "untrained", str(lack)
        print(f"the encoder is left untrained: {reason}")
    if group().rank:
        return
    save_model(model, {**card, "lineage": origin}, outputs["encoder"])
    io.write_table(history, outputs["history"])
    labels = {"patients": rows["subject"].nunique(), "pairs": len(rows), "unstable": int(rows["y"].sum())}
    io.write_json({**origin, "recipe": recipe, "status": status, "reason": reason, **labels}, outputs["lineage"])
    if checkpoint:
        checkpoint.close()


def _origin(path, split, rows, folds):
    """The manifest's split and the digest of its excluded patients, for the stages that load the encoder."""
    lineage = io.read_json(path)
    found = {key: lineage[key] for key in split}
    if found != split:
        raise InvalidInput(f"{path}: this is the manifest of {found}, not of {split}; delete it and run again")
    excluded = kept_out(patients_of(folds, split))
    if lineage["excluded"] != excluded_patients(excluded) or not excluded.isdisjoint(rows["subject"]):
        raise InvalidInput(
            f"{path}: this manifest was made with other patients left out than the validation and test patients of "
            f"{split} in {folds}; delete it and run again"
        )
    return {**split, "excluded": lineage["excluded"]}
