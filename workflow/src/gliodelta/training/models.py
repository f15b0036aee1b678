"""A network from a row of arms.tsv or recipes.tsv, and its weights as safetensors with a card of what it is."""

import json

from gliodelta import io, plugins

ENCODERS = "gliodelta.training.encoders"
REPRESENTATIONS = "gliodelta.training.representations"
# Metadata of safetensors are texts without an order: one key keeps equal weights equal files.
CARD = "gliodelta"


def build_model(card, seed=0):
    """Builds a freshly initialised network.

    Args:
        card: dict with `encoder` and `representation` (names of plug-ins) and `grid` (dict with `shape` in voxels).
        seed: of the initial weights.

    Returns:
        torch.nn.Module with the parts `features` and `head`, from [N, channels, X, Y, Z] to one logit [N, 1].
    """
    import torch

    channels = plugins.load(REPRESENTATIONS, card["representation"]).CHANNELS
    encoder = plugins.load(ENCODERS, card["encoder"])
    torch.manual_seed(seed)
    return encoder.build(channels, tuple(card["grid"]["shape"]))


def card_of(row, training):
    """Returns the card of an arm or recipe: its encoder, representation and grid (`spacing_mm`, `shape`)."""
    return {
        "encoder": row["encoder"],
        "representation": row["representation"],
        "grid": training["grids"][row["grid"]],
    }


def save_model(model, card, path):
    """Writes the weights and batch-norm buffers of `model` with its card; equal models give equal bytes."""
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    with io.atomic(path) as temporary:
        temporary.write_bytes(save(tensors, {CARD: json.dumps(card, sort_keys=True)}))


def load_model(path):
    """Reads what `save_model` wrote.

    Returns:
        (model on the CPU, card).
    """
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        card = json.loads(file.metadata()[CARD])
    model = build_model(card)
    load_weights(model, path)
    return model, card


def load_weights(model, path, parts=("features", "head")):
    """Puts the weights and buffers in `path` into the named parts of `model`; the other parts stay as they are.

    Raises:
        RuntimeError: the weights are of another network.
    """
    from safetensors.torch import load_file

    weights = load_file(path)
    for part in parts:
        prefix = f"{part}."
        own = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
        getattr(model, part).load_state_dict(own)
