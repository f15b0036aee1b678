"""Each strategy trains on what it should, starts from what it should, and learns."""

import pandas as pd
import pytest
import torch
from toy import CARD, ROW, TRAINING, make_rows, write_split

from gliodelta import io, plugins
from gliodelta.training.models import build_model, save_model
from gliodelta.transfer.fit import fit_setting

ARM = {**ROW, "arm": "a"}
RECIPES = {"most": {**ROW, "recipe": "most", "cut_by": "quantile", "cut": "0.5"}}


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    """Lists, cache and an encoder whose weights no seed of these tests gives."""
    folder = tmp_path_factory.mktemp("split")
    lists, cache, _ = write_split(folder)
    save_model(build_model(CARD, seed=99), CARD, folder / "encoder.safetensors")
    return {"lists": lists, "cache": cache, "encoders": {"most": folder / "encoder.safetensors"}}


def fit(split, strategy="scratch", training=TRAINING, recipes=RECIPES, arm=ARM, setting=None, **arguments):
    """Fits a strategy on the toy split."""
    recipe = "most" if plugins.load(plugins.STRATEGIES, strategy).NEEDS_RECIPE else ""
    choice = {"strategy": strategy, "recipe": recipe, "learning_rate": 1e-3, "weight_decay": 0.0, **(setting or {})}
    return fit_setting(choice, arm=arm, recipes=recipes, training=training, **split, **arguments)


@pytest.mark.parametrize("strategy", plugins.names(plugins.STRATEGIES))
def test_every_strategy_fits_and_validates(split, strategy):
    fitted = fit(split, strategy)
    assert list(fitted.validation.columns) == ["subject", "prior", "current", "y_true", "score"]
    assert list(fitted.validation["subject"]) == list(io.read_table(split["lists"]["validation"])["subject"])
    assert fitted.auc == pytest.approx(fitted.history["validation_auc"].max())
    assert next(fitted.model.parameters()).device.type == "cpu"


def test_scratch_learns_the_toy(split):
    training = {**TRAINING, "epochs": 15, "patience": 15}
    assert fit(split, training=training, setting={"learning_rate": 3e-3}).auc == 1


def test_fitting_depends_on_its_arguments_only(split):
    first = fit(split, "mix")
    torch.manual_seed(1)
    second = fit(split, "mix")
    assert first.validation.equals(second.validation)
    assert first.history.equals(second.history)


def test_a_setting_may_have_a_seed_of_its_own(split):
    assert fit(split, setting={"seed": TRAINING["seed"]}).validation.equals(fit(split).validation)
    other = fit(split, setting={"seed": 7})
    assert not other.validation.equals(fit(split).validation)
    assert other.validation.equals(fit(split, training={**TRAINING, "seed": 7}).validation)


@pytest.mark.parametrize("strategy", ["scratch", "mix"])
@pytest.mark.parametrize("choice", [{"weak_labels": "weighted"}, {"weak_labels": "soft"}])
def test_how_sure_reports_are_matters_to_those_who_learn_from_them(split, strategy, choice):
    # All of the toy's weak labels are equally sure: alone they would learn the same, but human ones count more.
    alike = fit(split, strategy, arm={**ARM, **choice}).validation.equals(fit(split, strategy).validation)
    assert alike == (strategy == "scratch")


@pytest.mark.parametrize("choice", [{"loss": "published-vgg"}, {"augmentation": "none"}, {"weighting": "patient"}])
def test_the_arm_chooses_loss_augmentation_and_weighting(split, tmp_path, choice):
    # The first patient loses a map, so that its other one counts for two.
    io.write_table(io.read_table(split["lists"]["train"]).iloc[1:], tmp_path / "train.tsv")
    split = {**split, "lists": {**split["lists"], "train": tmp_path / "train.tsv"}}
    assert not fit(split, arm={**ARM, **choice}).validation.equals(fit(split).validation)


def test_mix_adds_the_weak_rows_and_the_others_train_on_human_labels_only():
    human, weak = make_rows(2), make_rows(3, first=11)
    for name in plugins.names(plugins.STRATEGIES):
        rows = plugins.load(plugins.STRATEGIES, name).training_rows(human, weak)
        wanted = pd.concat([human, weak]) if name in ("mix", "pretrain-then-mix") else human
        assert rows["subject"].tolist() == wanted["subject"].tolist(), name


@pytest.mark.parametrize("cut_by", ["quantile", "confidence"])
def test_mix_without_any_weak_label_is_scratch(split, tmp_path, cut_by):
    # Read back, a list without rows has no numbers that its columns' types could be told by.
    io.write_table(make_rows(1)[:0], tmp_path / "weak.tsv")
    bare = {**split, "lists": {**split["lists"], "weak": tmp_path / "weak.tsv"}}
    recipes = {"most": {**RECIPES["most"], "cut_by": cut_by}}
    assert fit(bare, "mix", recipes=recipes).validation.equals(fit(split).validation)


def test_scratch_does_not_look_at_weak_labels_or_encoders(split):
    lists = {**split["lists"], "weak": split["lists"]["train"]}
    assert fit({**split, "lists": lists, "encoders": {}}).validation.equals(fit(split).validation)


def test_fine_tuning_starts_from_the_whole_encoder_and_moves_all_of_it(split):
    encoder = build_model(CARD, seed=99)
    still = fit(split, "fine-tune", setting={"learning_rate": 0.0}).model
    moved = fit(split, "fine-tune").model
    for (name, start), same, other in zip(
        encoder.named_parameters(), still.parameters(), moved.parameters(), strict=True
    ):
        assert torch.equal(start, same), name
        assert not torch.equal(start, other), name


def test_feature_extraction_keeps_every_bit_of_the_features_and_renews_the_head(split):
    encoder, model = build_model(CARD, seed=99), fit(split, "feature-extract").model
    for name, tensor in encoder.features.state_dict().items():
        assert torch.equal(model.features.state_dict()[name], tensor), name
    linear = [index for index, layer in enumerate(encoder.head) if hasattr(layer, "weight")]
    assert len(linear) == 4
    still = fit(split, "feature-extract", setting={"learning_rate": 0.0}).model
    for index in linear:
        assert not torch.equal(still.head[index].weight, encoder.head[index].weight)
        assert not torch.equal(still.head[index].weight, model.head[index].weight)


def test_whoever_watches_sees_each_epoch_and_may_end_the_training(split):
    rows = []
    history = fit(split, watch=rows.append).history
    assert [row["epoch"] for row in rows] == list(history["epoch"])

    def prune(row):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(split, watch=prune)
