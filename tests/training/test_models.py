"""Models come back from their file as they went in."""

import pytest
import torch
from toy import CARD, ROW, SHAPE, TRAINING

from gliodelta import plugins
from gliodelta.training.models import build_model, card_of, forward, load_model, load_weights, save_model


def test_a_saved_model_comes_back_with_its_card(tmp_path):
    model = build_model(CARD, seed=3)
    model.features[0][4].running_mean += 1
    save_model(model, {**CARD, "temperature": 2.0}, tmp_path / "model.safetensors")
    loaded, card = load_model(tmp_path / "model.safetensors")
    assert card == {**CARD, "temperature": 2.0}
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)


def test_equal_models_are_equal_files_whatever_their_memory_layout(tmp_path):
    save_model(build_model(CARD, seed=3), CARD, tmp_path / "one")
    save_model(build_model(CARD, seed=3).to(memory_format=torch.channels_last_3d), CARD, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_weights_go_into_the_parts_that_are_named(tmp_path):
    save_model(build_model(CARD, seed=3), CARD, tmp_path / "one")
    model, fresh, saved = build_model(CARD, seed=4), build_model(CARD, seed=4), build_model(CARD, seed=3)
    load_weights(model, tmp_path / "one", parts=("features",))
    assert torch.equal(model.features[0][0].weight, saved.features[0][0].weight)
    assert torch.equal(model.head[1].weight, fresh.head[1].weight)


def test_weights_of_another_network_are_refused(tmp_path):
    save_model(build_model(CARD), CARD, tmp_path / "one")
    wider = build_model({**CARD, "grid": {"shape": [32, 32, 32]}})
    with pytest.raises(RuntimeError, match="size mismatch"):
        load_weights(wider, tmp_path / "one")


def test_the_card_of_a_row_holds_its_grid_and_by_default_the_balanced_loss():
    assert card_of(ROW, TRAINING) == CARD
    assert card_of({**ROW, "loss": "published-vgg"}, TRAINING) == {**CARD, "loss": "published-vgg"}


@pytest.mark.parametrize("name", plugins.names(plugins.LOSSES))
def test_a_network_has_the_outputs_of_its_loss(name):
    model = build_model({**CARD, "loss": name})
    outputs = forward(model, CARD["representation"], torch.randn(3, 2, *SHAPE), torch.zeros(3))
    assert outputs.shape == (3, plugins.load(plugins.LOSSES, name).OUTPUTS)
    assert plugins.load(plugins.LOSSES, name).score(outputs).shape == (3,)


def test_equal_seeds_give_equal_networks_and_others_do_not():
    first, again, other = (build_model(CARD, seed).head[1].weight for seed in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_outputs_of_lower_precision_come_back_as_single():
    """Losses and scores are sums and odds of them, which half precision would round."""
    model = build_model(CARD).eval()
    pairs = torch.randn(2, 2, *SHAPE, generator=torch.Generator().manual_seed(1))
    with torch.autocast("cpu", torch.bfloat16):
        outputs = forward(model, CARD["representation"], pairs, torch.zeros(2))
    assert outputs.dtype == torch.float32
