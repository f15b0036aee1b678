"""Two processes train one network: what each sees, what they agree on, and how they end."""

import signal
import subprocess

import pytest
import torch
from toy import write_cache
from two_processes import TRAINED, VALIDATED, train_frozen, work

from gliodelta import io
from gliodelta.training.devices import _finish, group, launch, usable_gpus
from gliodelta.training.models import load_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Folder in which two processes did what `two_processes.work` says."""
    folder = tmp_path_factory.mktemp("shared")
    write_cache(TRAINED, folder / "training.safetensors", seed=1)
    write_cache(VALIDATED, folder / "validation.safetensors", seed=2)
    with pytest.raises(SystemExit) as stop:
        launch(2, "cpu", work, {"folder": str(folder)})
    assert stop.value.code == 75
    return folder


@pytest.mark.parametrize("name", ["frozen", "whole"])
def test_both_end_with_the_same_bytes(folder, name):
    for ending in ("safetensors", "tsv"):
        first, second = (folder / f"process-{rank}/{name}.{ending}" for rank in (0, 1))
        assert first.read_bytes() == second.read_bytes()
    weights = load_model(first.with_suffix(".safetensors"))[0].state_dict()
    assert all(tensor.isfinite().all() for tensor in weights.values())
    history = io.read_table(first)
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]


def test_each_map_is_seen_once_an_epoch_by_one_of_them(folder):
    first, second = (io.read_json(folder / f"process-{rank}/frozen.json") for rank in (0, 1))
    # Batches of four and three maps: shares of two and two, two and one.
    assert (len(first), len(second)) == (8, 6)
    for epoch in range(2):
        seen = first[4 * epoch : 4 * epoch + 4] + second[3 * epoch : 3 * epoch + 3]
        assert sorted(seen) == list(range(7))


def test_they_learn_what_one_process_learns_from_the_whole_batches(folder):
    model, history, _ = train_frozen(folder, batch_size=4)
    together, _ = load_model(folder / "process-0/frozen.safetensors")
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(together.state_dict()[name], tensor, rtol=1e-4, atol=1e-6)
    pieced = io.read_table(folder / "process-0/frozen.tsv")
    assert pieced["loss"].tolist() == pytest.approx(history["loss"].tolist(), rel=1e-5)
    assert pieced["validation_loss"].tolist() == pytest.approx(history["validation_loss"].tolist(), rel=1e-5)


def test_only_the_first_writes_and_both_stop_when_its_time_is_up(folder):
    assert (folder / "process-0/first").exists() and not (folder / "process-1/first").exists()
    (state,) = folder.glob("scratch/*/last.pt")
    assert torch.load(state, weights_only=True)["progress"]["epoch"] == 1


def test_when_one_process_fails_those_that_wait_for_it_are_killed():
    # Of the two that go on, one would never end.
    commands = ("cat >&2", "exit 3", "cat >&2; tail -f /dev/null")
    processes = [subprocess.Popen(["sh", "-c", command], stdin=subprocess.PIPE) for command in commands]
    assert _finish(processes, b"") == {3}
    assert processes[2].returncode == -signal.SIGKILL
    processes = [subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert _finish(processes, b"work") == set()


def test_a_training_is_alone_unless_it_was_launched():
    alone = group()
    assert (alone.rank, alone.count) == (0, 1)
    assert usable_gpus(1) == 1 and usable_gpus(8) == max(1, min(8, torch.cuda.device_count()))
