"""Files are whole or absent, and come back as they were."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gliodelta import io


def test_a_writer_that_fails_leaves_the_old_file_and_no_other(tmp_path):
    target = tmp_path / "table.tsv"
    io.write_text("old", target)
    with pytest.raises(RuntimeError), io.atomic(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


def test_ids_stay_text_and_missing_values_come_back(tmp_path):
    table = pd.DataFrame({"subject": ["010", "10"], "prior": ["0", "1"], "value": [0.1, None], "reason": ["", "NA"]})
    io.write_table(table, tmp_path / "t.tsv")
    back = io.read_table(tmp_path / "t.tsv")
    assert back["subject"].to_list() == ["010", "10"]
    assert back["value"].isna().to_list() == [False, True]
    assert back["reason"].to_list()[0] == ""


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_images_come_back_with_their_affine(tmp_path, ending):
    array = np.random.default_rng(0).normal(size=(5, 6, 7)).astype(np.float32)
    affine = np.array([[0, -2, 0, 10], [3, 0, 0, -20], [0, 0, 4, 5], [0, 0, 0, 1.0]])
    io.write_image(array, affine, tmp_path / f"i{ending}")
    image = io.read_image(tmp_path / f"i{ending}")
    np.testing.assert_array_equal(image.get_fdata(dtype=np.float32), array)
    np.testing.assert_allclose(image.get_sform(), affine)
    np.testing.assert_allclose(image.get_qform(), affine, atol=1e-5)


def test_the_same_image_is_the_same_file(tmp_path):
    for name in ("a.nii.gz", "b.nii.gz"):
        io.write_image(np.ones((3, 3, 3)), np.eye(4), tmp_path / name)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_files_are_readable_by_the_group(tmp_path):
    io.write_text("x", tmp_path / "x.txt")
    assert (tmp_path / "x.txt").stat().st_mode & 0o044 == 0o044


def test_a_full_disk_is_told_with_the_file_and_leaves_none(tmp_path):
    # This device of Linux is always full.
    with pytest.raises(OSError, match=r"No space left.*table\.tsv"), io.atomic(tmp_path / "table.tsv"):
        Path("/dev/full").write_bytes(b"x")
    assert not any(tmp_path.iterdir())
