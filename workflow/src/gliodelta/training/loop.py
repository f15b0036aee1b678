"""The one training loop of pretraining, tuning and transfer."""

import hashlib
import math
from dataclasses import asdict, dataclass

from gliodelta import plugins
from gliodelta.fingerprint import digest
from gliodelta.schema import InvalidInput
from gliodelta.status import Excluded
from gliodelta.training.checkpoint import Checkpoint
from gliodelta.training.devices import group
from gliodelta.training.models import forward
from gliodelta.training.scoring import area_under_curve, outputs_of, present_device, stack

HISTORY = ("epoch", "loss", "validation_loss", "validation_auc", "learning_rate")


@dataclass(frozen=True)
class Plan:
    """How a model is trained.

    Attributes:
        representation, loss, augmentation: names of the plug-ins that make the network's input, what is lowered, and
            the random changes of the exams.
        size_mm: extent of the grid in mm, for augmentation.
        epochs: the most there will be.
        patience: epochs without a better validation before training stops.
        batch_size: most maps in a batch of one process.
        learning_rate, weight_decay: of Adam; the decay is the published L2 penalty.
        seed: of batches and augmentation.
    """

    representation: str
    loss: str
    augmentation: str
    size_mm: tuple
    epochs: int
    patience: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    seed: int


def make_plan(card, training, epochs, learning_rate, weight_decay=0.0, augmentation="pair", seed=None):
    """Returns the `Plan` for a model card (`models.card_of`) and the configuration's section `training`."""
    grid = card["grid"]
    return Plan(
        representation=card["representation"],
        loss=card["loss"],
        augmentation=augmentation,
        size_mm=tuple(float(mm) * voxels for mm, voxels in zip(grid["spacing_mm"], grid["shape"], strict=True)),
        epochs=epochs,
        patience=training["patience"],
        batch_size=training["batch_size"],
        learning_rate=float(learning_rate),
        weight_decay=float(weight_decay),
        seed=training["seed"] if seed is None else seed,
    )


def train(model, training, validation, plan, checkpoint=None, watch=None, thaw=None):
    """Trains `model` in place and leaves it, on the CPU, with the weights of its best epoch.

    The best epoch has the highest validation AUC, or, where the validation has one class, the lowest validation loss;
    among equals the first. Without any map to validate with, all epochs are trained and the last is kept. Parts whose
    parameters are all frozen run in evaluation mode, so that their batch-norm buffers stay bit-identical (the published
    ones moved).

    Args:
        model: torch module for `models.forward`; parameters with requires_grad False stay as they are.
        training, validation: `data.Maps` with labels; the validation may be empty.
        plan: `Plan`.
        checkpoint: `checkpoint.Checkpoint` of the job, or None; whoever writes what comes out closes it.
        watch: function that is called with each new row of the history, or None.
        thaw: function ``thaw(model, epoch, epochs)`` that is called before each epoch, counted from 1, and says by
            requires_grad what this epoch may change; or None.

    Returns:
        pandas.DataFrame with the columns `HISTORY`, one row an epoch. On a CPU, the same arguments, number of threads
        and of processes (`devices.group`) give the same weights to the bit, interrupted or not.

    Raises:
        Excluded: no map to train on.
        InvalidInput: fewer maps to train on than processes.
        SystemExit: 75, when the checkpoint's deadline passes.
    """
    import pandas as pd

    processes = group()
    _check(training, processes)
    checkpoint = checkpoint or Checkpoint()
    state = processes.first(checkpoint.open, _run_id(model, training, validation, plan, checkpoint, thaw, processes))
    network, optimiser = _prepare(model, plan, thaw, processes)
    loss = plugins.load(plugins.LOSSES, plan.loss).build(training.targets, training.weights, training.weak)
    progress = {"epoch": 0, "thawing": 0, "best_epoch": 0, "best_value": -math.inf, "best": _copy(model), "history": []}
    if state:
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        progress = state["progress"]
    while not _finished(progress, plan):
        progress["epoch"] += 1
        if thaw:
            thaw(model, progress["epoch"], plan.epochs)
            if not all(parameter.requires_grad for parameter in model.parameters()):
                progress["thawing"] = progress["epoch"]
        train_loss = _train_epoch(network, training, plan, loss, optimiser, progress["epoch"], processes)
        processes.align(model)
        outputs = processes.first(outputs_of, model, validation, plan.representation) if len(validation) else None
        _judge(progress, model, outputs, validation, train_loss, loss, plan)
        print(_describe(progress["history"][-1], plan), flush=True)
        if watch:
            watch(progress["history"][-1])
        state = {"model": _copy(model), "optimiser": optimiser.state_dict(), "progress": progress}
        processes.first(checkpoint.save, state, _finished(progress, plan))
    model.load_state_dict(progress["best"])
    model.cpu().eval()
    return pd.DataFrame(progress["history"], columns=HISTORY)


def _check(training, processes):
    if not len(training) or not training.weights.any():
        raise Excluded("no map to train on is left; see the reasons in maps.tsv, or use fewer folds")
    if len(training) < processes.count:
        raise InvalidInput(
            f"{len(training)} maps cannot be shared by {processes.count} processes; lower training: "
            "pretraining_devices in the configuration"
        )


def _prepare(model, plan, thaw, processes):
    """The network to call and its optimiser, on the device."""
    import torch

    _keep_memory()
    # On a CPU, too, convolutions are faster so: the VGG's step took 3.8 s against 5.3 s (one map of 310x388x48 voxels)
    # and 0.22 s against 0.36 s (four of 48x60x48), the SEResNeXt50's 1.52 s against 1.58 s.
    model.to(present_device(), memory_format=torch.channels_last_3d)
    # What is frozen now and thawed later has no gradient before, and Adam passes it over.
    learning = [parameter for parameter in model.parameters() if thaw or parameter.requires_grad]
    return processes.wrap(model), torch.optim.Adam(learning, lr=plan.learning_rate, weight_decay=plan.weight_decay)


def _keep_memory():
    """Lets the C library (glibc; others lack the function) keep freed memory for the next step.

    It would give large blocks back to the system and get them again as fresh pages, in every layer: a step took 2.7 s
    a map against 3.9 s (VGG, batch of 4, 310x388x48 voxels, one core), for 4.5 GB at the peak against 3.0 GB.
    """
    import ctypes

    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        most_blocks_of_their_own, keep_at_the_end = -4, -1  # M_MMAP_MAX, M_TRIM_THRESHOLD
        library.mallopt(most_blocks_of_their_own, 0)
        library.mallopt(keep_at_the_end, -1)


def _train_epoch(network, maps, plan, loss, optimiser, epoch, processes):
    import torch

    device = present_device()
    augment = plugins.load(plugins.AUGMENTATIONS, plan.augmentation).augment
    generator = _seed(plan, epoch, device)
    _train_mode(network)
    order = torch.randperm(len(maps))
    # All agree on the order; the changes of its maps are each process's own.
    if processes.rank:
        generator = _seed(plan, epoch, device, processes.rank)
    # Batches as equal as can be: batch norm cannot learn from a last batch of one map.
    most = plan.batch_size * processes.count
    count = min(-(-len(maps) // most), len(maps) // processes.count)
    total = 0.0
    for batch in order.tensor_split(count):
        own = batch.tensor_split(processes.count)[processes.rank]
        targets, weights, weak, days = (
            values[own].to(device) for values in (maps.targets, maps.weights, maps.weak, maps.days)
        )
        pairs = augment(stack([maps.pairs[index] for index in own], device), generator, plan.size_mm)
        with torch.autocast(device.type, torch.bfloat16, enabled=_bfloat16(device)):
            outputs = forward(network, plan.representation, pairs, days)
        # Losses are means over the weights at hand. Scaled, a batch counts by its share of all weights: without, a
        # doubtful label among doubtful ones would count as much as a sure one among sure ones.
        share = weights.sum() * processes.count / (len(batch) * maps.weights.mean())
        value = loss(outputs, targets, weights if share else torch.ones_like(weights), weak) * share
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        total += value.item() * len(batch) / processes.count
    return processes.total(total) / len(maps)


def _seed(plan, epoch, device, *rank):
    """Seeds torch and returns a generator on the device.

    Every random number of an epoch follows from the seed and the epoch, dropout's too: a resumed training needs no
    saved generators, and may go on on another kind of device.
    """
    import torch

    seed = int(digest([plan.seed, epoch, *rank]), 16)
    torch.manual_seed(seed)
    return torch.Generator(device).manual_seed(seed)


def _judge(progress, model, outputs, validation, train_loss, loss, plan):
    """Adds the epoch to the history and keeps its weights when they are the best so far."""
    auc = validation_loss = math.nan
    # Nothing tells epochs apart without a validation: each is taken for better than the one before.
    value = progress["epoch"]
    if outputs is not None:
        auc = area_under_curve(validation.targets, plugins.load(plugins.LOSSES, plan.loss).score(outputs))
        validation_loss = loss(outputs, validation.targets, validation.weights, validation.weak).item()
        value = -validation_loss if math.isnan(auc) else auc
    row = (progress["epoch"], train_loss, validation_loss, auc, plan.learning_rate)
    progress["history"].append(dict(zip(HISTORY, row, strict=True)))
    # A diverged epoch has a loss that is not a number, and never compares as better.
    if value > progress["best_value"]:
        progress.update(best_value=value, best_epoch=progress["epoch"], best=_copy(model))


def _describe(row, plan):
    return (
        f"epoch {row['epoch']} of at most {plan.epochs}: loss {row['loss']:.4f}, "
        f"validation loss {row['validation_loss']:.4f}, validation AUC {row['validation_auc']:.3f}"
    )


def _finished(progress, plan):
    # Patience begins once all parts may train.
    waited = progress["epoch"] - max(progress["best_epoch"], progress["thawing"])
    return progress["epoch"] >= plan.epochs or waited >= plan.patience


def _train_mode(model):
    model.train()
    for module in model.modules():
        parameters = list(module.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            module.eval()


def _bfloat16(device):
    """Whether the device multiplies in bfloat16, which has the range of float32 and needs no scaled loss.

    A CPU that only emulates it is slower: 2.0 s a step against 0.22 s (VGG, four maps of 48x60x48 voxels).
    """
    import torch

    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def _copy(model):
    return {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}


def _run_id(model, training, validation, plan, checkpoint, thaw, processes):
    """Digest of all that the weights depend on."""
    content = hashlib.sha256(repr([parameter.requires_grad for parameter in model.parameters()]).encode())
    for tensor in model.state_dict().values():
        content.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    schedule = thaw and f"{thaw.__module__}.{thaw.__qualname__}"
    maps = [training.identity, validation.identity]
    run = [checkpoint.job, checkpoint.code, asdict(plan), content.hexdigest(), schedule, processes.count, *maps]
    return digest(run)
