"""The one training loop of pretraining, tuning and transfer."""

import hashlib
import math
from dataclasses import asdict, dataclass

from gliodelta import plugins
from gliodelta.fingerprint import digest
from gliodelta.status import Excluded
from gliodelta.training.augment import augment
from gliodelta.training.checkpoint import Checkpoint
from gliodelta.training.models import REPRESENTATIONS

HISTORY = ("epoch", "loss", "validation_loss", "validation_auc", "learning_rate")
# Maps scored at once; one number everywhere, so that a map's score does not depend on who asks.
SCORING_BATCH = 8


@dataclass(frozen=True)
class Plan:
    """How a model is trained.

    Attributes:
        representation: name of the plug-in that makes the network's input.
        size_mm: extent of the grid in mm, for augmentation.
        epochs: the most there will be.
        patience: epochs without a better validation before training stops.
        batch_size: most maps in a batch.
        learning_rate, weight_decay: of Adam; the decay is the published L2 penalty.
        seed: of batches and augmentation.
    """

    representation: str
    size_mm: tuple
    epochs: int
    patience: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    seed: int


def make_plan(card, training, epochs, learning_rate, weight_decay=0.0):
    """Returns the `Plan` for a model card (`models.card_of`) and the configuration's section `training`."""
    grid = card["grid"]
    return Plan(
        representation=card["representation"],
        size_mm=tuple(float(mm) * voxels for mm, voxels in zip(grid["spacing_mm"], grid["shape"], strict=True)),
        epochs=epochs,
        patience=training["patience"],
        batch_size=training["batch_size"],
        learning_rate=float(learning_rate),
        weight_decay=float(weight_decay),
        seed=training["seed"],
    )


def train(model, training, validation, plan, checkpoint=None, watch=None):
    """Trains `model` in place and leaves it, on the CPU, with the weights of its best epoch.

    The best epoch has the highest validation AUC, or, where the validation has one class, the lowest validation loss;
    among equals the first. Without any map to validate with, all epochs are trained and the last is kept. Parts whose
    parameters are all frozen run in evaluation mode, so that their batch-norm buffers stay bit-identical (the published
    ones moved).

    Args:
        model: torch module from [N, C, X, Y, Z] to logits [N, 1]; parameters with requires_grad False stay as they are.
        training, validation: `data.Maps` with labels; the validation may be empty.
        plan: `Plan`.
        checkpoint: `checkpoint.Checkpoint` of the job, or None.
        watch: function that is called with each new row of the history, or None.

    Returns:
        pandas.DataFrame with the columns `HISTORY`, one row an epoch. On a CPU, the same arguments and number of
        threads give the same weights to the bit, interrupted or not.

    Raises:
        Excluded: no map to train on.
        SystemExit: 75, when the checkpoint's deadline passes.
    """
    import pandas as pd
    import torch

    if not len(training):
        raise Excluded("no map to train on is left; see the reasons in maps.tsv, or use fewer folds")
    checkpoint = checkpoint or Checkpoint()
    maps = [training.identity, validation.identity]
    run_id = digest([checkpoint.job, checkpoint.code, asdict(plan), _identity(model), *maps])
    state = checkpoint.open(run_id)
    device = _device()
    model.to(device, memory_format=torch.channels_last_3d)
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.Adam(trainable, lr=plan.learning_rate, weight_decay=plan.weight_decay)
    loss = _loss(training.targets)
    progress = {"epoch": 0, "best_epoch": 0, "best_value": -math.inf, "best": _copy(model), "history": []}
    if state:
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        progress = state["progress"]
    while not _finished(progress, plan):
        progress["epoch"] += 1
        train_loss = _train_epoch(model, training, plan, loss, optimiser, progress["epoch"])
        scores = score(model, validation, plan.representation)
        _judge(progress, model, scores, validation, train_loss, loss, plan)
        print(_describe(progress["history"][-1], plan), flush=True)
        if watch:
            watch(progress["history"][-1])
        if not _finished(progress, plan):
            checkpoint.save({"model": _copy(model), "optimiser": optimiser.state_dict(), "progress": progress})
    checkpoint.close()
    model.load_state_dict(progress["best"])
    model.cpu().eval()
    return pd.DataFrame(progress["history"], columns=HISTORY)


def score(model, maps, representation):
    """Scores maps without augmentation.

    Args:
        model: torch module; left in evaluation mode, on the device that there is.
        maps: `data.Maps`, with or without labels.
        representation: name of the plug-in that makes the network's input.

    Returns:
        float32 tensor [N] on the CPU, the logits for unstable.
    """
    import torch

    device = _device()
    model.to(device, memory_format=torch.channels_last_3d).eval()
    logits = [torch.empty(0)]
    with torch.inference_mode():
        for start in range(0, len(maps), SCORING_BATCH):
            pairs = _pairs(maps.pairs[start : start + SCORING_BATCH], device)
            logits.append(_forward(model, pairs, representation).cpu())
    return torch.cat(logits)


def area_under_curve(targets, scores):
    """Returns the area under the ROC curve; NaN where there is one class or a score that is not finite.

    It is the share of pairs (unstable, stable) whose scores are in order, ties counted half. Both tensors are [N].
    """
    margins = scores[targets == 1].unsqueeze(1) - scores[targets == 0]
    if not margins.numel() or not scores.isfinite().all():
        return math.nan
    return (0.5 + 0.5 * margins.sign().double().mean()).item()


def _train_epoch(model, maps, plan, loss, optimiser, epoch):
    import torch

    device = _device()
    # Every random number of an epoch follows from the seed and the epoch, dropout's too: a resumed training needs no
    # saved generators, and may go on on another kind of device.
    seed = int(digest([plan.seed, epoch]), 16)
    torch.manual_seed(seed)
    generator = torch.Generator(device).manual_seed(seed)
    _train_mode(model)
    order = torch.randperm(len(maps))
    total = 0.0
    # Batches as equal as can be: batch norm cannot learn from a last batch of one map.
    for batch in order.tensor_split(-(-len(maps) // plan.batch_size)):
        pairs = augment(_pairs([maps.pairs[index] for index in batch], device), generator, plan.size_mm)
        value = loss(_forward(model, pairs, plan.representation), maps.targets[batch], maps.weights[batch])
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        total += value.item() * len(batch)
    return total / len(maps)


def _judge(progress, model, scores, validation, train_loss, loss, plan):
    """Adds the epoch to the history and keeps its weights when they are the best so far."""
    auc = area_under_curve(validation.targets, scores)
    validation_loss = loss(scores, validation.targets, validation.weights).item()
    row = (progress["epoch"], train_loss, validation_loss, auc, plan.learning_rate)
    progress["history"].append(dict(zip(HISTORY, row, strict=True)))
    value = -validation_loss if math.isnan(auc) else auc
    if not len(validation):
        # Nothing tells epochs apart: each is taken for better than the one before.
        value = progress["epoch"]
    # A diverged epoch has a loss that is not a number, and never compares as better.
    if value > progress["best_value"]:
        progress.update(best_value=value, best_epoch=progress["epoch"], best=_copy(model))


def _describe(row, plan):
    return (
        f"epoch {row['epoch']} of at most {plan.epochs}: loss {row['loss']:.4f}, "
        f"validation loss {row['validation_loss']:.4f}, validation AUC {row['validation_auc']:.3f}"
    )


def _finished(progress, plan):
    return progress["epoch"] >= plan.epochs or progress["epoch"] - progress["best_epoch"] >= plan.patience


def _loss(targets):
    """Weighted binary cross-entropy whose two classes count alike in the training set at hand."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    unstable = float(targets.sum())
    stable = len(targets) - unstable
    balance = torch.tensor(stable / unstable if stable and unstable else 1.0)

    def loss(logits, targets, weights):
        targets, weights = targets.to(logits.device), weights.to(logits.device)
        each = binary_cross_entropy_with_logits(logits, targets, reduction="none", pos_weight=balance.to(logits.device))
        return (each * weights).sum() / weights.sum()

    return loss


def _train_mode(model):
    model.train()
    for module in model.modules():
        parameters = list(module.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            module.eval()


def _forward(model, pairs, representation):
    import torch

    inputs = plugins.load(REPRESENTATIONS, representation).represent(pairs)
    return model(inputs.contiguous(memory_format=torch.channels_last_3d)).squeeze(1)


def _pairs(pairs, device):
    import torch

    return torch.stack(pairs).to(device).float()


def _device():
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _copy(model):
    return {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}


def _identity(model):
    """Digest of all weights and buffers, and of which of them may change."""
    content = hashlib.sha256(repr([parameter.requires_grad for parameter in model.parameters()]).encode())
    for tensor in model.state_dict().values():
        content.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return content.hexdigest()
