"""What an image shows: a head or not, and fluid that is bright as on T2 or dark as on FLAIR and T1."""

import re

import nibabel as nib
import numpy as np
import pytest

from gliodelta.ingest.appearance import Appearance, look


@pytest.mark.parametrize("coil", [0.15, 0.35])
@pytest.mark.parametrize(("contrast", "fluid"), [("T2", "bright"), ("FLAIR", "dark"), ("T1", "dark")])
def test_fluid_of_a_simulated_head_with_a_large_tumour(scanned, contrast, fluid, coil):
    assert look(*scanned(contrast, coil))[:2] == (True, fluid)


def test_proton_density_is_neither(scanned):
    assert look(*scanned("proton density"))[:2] == (True, None)


@pytest.mark.parametrize("contrast", ["FLAIR", "T1"])
def test_dark_fluid_is_seen_on_the_thickest_slices(scanned, contrast):
    assert look(*scanned(contrast, slice_mm=9))[:2] == (True, "dark")


@pytest.mark.parametrize("study", [1, 2])
def test_fluid_of_a_real_patients_t2_is_bright(shared, study):
    image = nib.load(shared / "longitudinal_t2" / "patient01" / f"study{study}_T2W.nii.gz")
    assert look(np.asarray(image.dataobj), image.affine)[:2] == (True, "bright")


def test_the_order_of_the_axes_and_the_unit_of_the_intensities_do_not_matter(scanned):
    array, affine = scanned("T2")
    turned = nib.as_closest_canonical(
        nib.Nifti1Image(array.astype(np.int16).transpose(2, 0, 1), affine[:, [2, 0, 1, 3]])
    )
    flipped = look(7 * np.asarray(turned.dataobj), turned.affine)
    assert flipped[:2] == look(array, affine)[:2] == (True, "bright")


@pytest.mark.parametrize("cut", [np.s_[:, :, :-8], np.s_[20:-20, 20:-20], np.s_[:, :, 12:]])
@pytest.mark.parametrize(("contrast", "fluid"), [("T2", "bright"), ("FLAIR", "dark")])
def test_a_lost_part_of_the_field_of_view_misleads_nobody(scanned, contrast, fluid, cut):
    array, affine = scanned(contrast)
    seen = look(array[cut], affine)
    assert seen.head is not False
    assert seen.fluid in (fluid, None)


@pytest.mark.parametrize(
    ("radius_mm", "field_mm", "words"),
    [
        (52, 160, "shows no head: its largest cross-section measures 8[0-9] cm2"),
        (200, 180, "part of something larger than a head: tissue on (9[0-9]|100)% of its border"),
        (170, 420, "shows no head: its cross-sections measure 9[0-9][0-9] cm2"),
    ],
    ids=["knee", "spine", "trunk"],
)
def test_other_parts_of_the_body_are_no_head(limb, radius_mm, field_mm, words):
    seen = look(*limb(radius_mm, field_mm))
    assert seen.head is False
    assert re.search(words, seen.words)


def test_of_an_image_that_is_smaller_than_that_of_a_joint_nothing_is_said(limb):
    assert look(*limb(40, 110, slices=25)).head is None


@pytest.mark.parametrize(
    "array",
    [
        np.random.default_rng(0).integers(1, 1000, (20, 24, 22)),
        np.random.default_rng(0).integers(1, 1000, (64, 64, 40)),
        np.arange(64 * 64 * 40).reshape(64, 64, 40),
        np.zeros((20, 20, 20)),
        np.full((20, 20, 20), 7),
        np.ones((1, 1, 1)),
        np.full((9, 9, 9), np.nan),
    ],
    ids=["noise", "more noise", "ramp", "zeros", "constant", "one voxel", "nan"],
)
def test_of_what_is_no_picture_nothing_is_said(array):
    assert look(array, np.diag([3.5, 3.5, 4, 1])) == Appearance(None, None, "")
