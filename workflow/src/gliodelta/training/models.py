"""A network from a row of arms.tsv or recipes.tsv, and its weights as safetensors with a card of what it is."""

import json

from gliodelta import io, plugins

# Metadata of safetensors are texts without an order: one key keeps equal weights equal files.
CARD = "gliodelta"


def build_model(card, seed=0):
    """Builds a freshly initialised network.

    Args:
        card: dict with `encoder`, `representation` and `loss` (names of plug-ins) and `grid` (dict with `shape` in
            voxels).
        seed: of the initial weights.

    Returns:
        torch.nn.Module with the parts `features` and `head`, for `forward`.
    """
    import torch

    representation = plugins.load(plugins.REPRESENTATIONS, card["representation"])
    encoder = plugins.load(plugins.ENCODERS, card["encoder"])
    outputs = plugins.load(plugins.LOSSES, card["loss"]).OUTPUTS
    shape = tuple(card["grid"]["shape"])
    torch.manual_seed(seed)
    network = encoder.build(representation.CHANNELS, shape, outputs)
    if hasattr(representation, "compare"):
        return representation.compare(network.features, shape, outputs)
    return network


def forward(model, representation, pairs, days):
    """Runs a network on pairs of exams.

    Args:
        model: `build_model`'s, on the device of `pairs`.
        representation: name of the representation on its card.
        pairs: float tensor [N, 2, X, Y, Z] (prior, current).
        days: float tensor [N], between the two exams; only representations that compare features use them.

    Returns:
        float32 tensor [N, outputs of the loss].
    """
    import torch

    plugin = plugins.load(plugins.REPRESENTATIONS, representation)
    inputs = plugin.represent(pairs).contiguous(memory_format=torch.channels_last_3d)
    outputs = model(inputs, days) if hasattr(plugin, "compare") else model(inputs)
    return outputs.float()


def card_of(row, training):
    """Returns the card of an arm or recipe: its encoder, representation, loss and grid (`spacing_mm`, `shape`)."""
    return {
        "encoder": row["encoder"],
        "representation": row["representation"],
        "loss": row.get("loss") or "balanced",
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
    card = read_card(path)
    model = build_model(card)
    load_weights(model, path)
    return model, card


def read_card(path):
    """Returns the card of weights that `save_model` wrote; reads the file's header only, and needs no torch."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return json.loads(header["__metadata__"][CARD])


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
