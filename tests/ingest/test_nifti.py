"""NIfTI files as people keep them: every type and orientation, contradicting headers, and headers that lie."""

import gzip
import resource

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from nibabel.affines import apply_affine, from_matvec
from scipy.spatial.transform import Rotation

from gliodelta.ingest import volume
from gliodelta.ingest.layouts.nifti import place, read_exam

# Offsets in the NIfTI-1 header.
DIMENSIONS, VOXEL_OFFSET, SCALE_SLOPE, CODES, QUATERNION = 40, 108, 112, 252, 256
TILTED = Rotation.from_euler("xyz", [12, -7, 5], degrees=True).as_matrix()


def patched(path, offset, value):
    data = bytearray(path.read_bytes())
    value = np.asarray(value)
    data[offset : offset + value.nbytes] = value.tobytes()
    path.write_bytes(bytes(data))
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("kind", ["u1", "i1", "<i2", ">i2", "<u2", "i4", "u4", "i8", "<f4", ">f4", "<f8"])
def test_voxels_of_every_type_keep_their_values_and_places(tmp_path, voxels, nifti, convert, same_image, kind, suffix):
    values = (voxels % 120).astype(kind)
    affine = from_matvec(TILTED @ np.diag([-5, -5, 5.5]), [40, 50, -60])
    sidecar, image = convert(nifti(tmp_path / "raw" / f"x_T2w{suffix}", values, affine), "nifti")
    same_image(image, values.astype(np.float64), affine)
    assert sidecar["status"] == "included"
    assert image.get_data_dtype().itemsize <= 4


@given(
    matrix=st.permutations(range(3)),
    signs=st.lists(st.sampled_from([-1, 1]), min_size=3, max_size=3),
    angles=st.lists(st.floats(-40, 40), min_size=3, max_size=3),
    spacing=st.lists(st.floats(0.4, 6), min_size=3, max_size=3),
    origin=st.lists(st.floats(-200, 200), min_size=3, max_size=3),
    marked=st.tuples(st.integers(0, 6), st.integers(0, 7), st.integers(0, 8)),
)
@settings(max_examples=60, deadline=None)
def test_a_marked_voxel_stays_where_it_was(matrix, signs, angles, spacing, origin, marked):
    array = np.zeros((7, 8, 9), np.int16)
    array[marked] = 1
    rotation = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ np.diag(signs)[:, matrix]
    affine = from_matvec(rotation * spacing, origin)
    upright, moved = volume.closest_to_ras(*volume.perpendicular(array, affine)[:2])
    (found,) = np.argwhere(upright)
    np.testing.assert_allclose(apply_affine(moved, found), apply_affine(affine, marked), atol=1e-6)
    assert (np.diag(moved)[:3] > 0).all()
    if max(map(abs, angles)) < 15:
        # So little turned, each axis is nearest to its own.
        assert (np.argmax(np.abs(moved[:3, :3]), axis=0) == [0, 1, 2]).all()


def test_a_fourth_dimension_of_one_is_dropped_and_scaling_applied(tmp_path, voxels, nifti, convert):
    file = nifti(tmp_path / "t2.nii", voxels[..., None].astype(np.int16))
    image = convert(patched(file, SCALE_SLOPE, np.float32([0.5, 30000])), "nifti")[1]
    assert image.shape == voxels.shape
    np.testing.assert_allclose(np.asarray(image.dataobj), voxels * 0.5 + 30000)


def test_scaled_values_beyond_the_range_of_their_type_do_not_wrap(tmp_path, voxels, nifti, convert):
    values = voxels.astype(np.int16) * 32
    image = convert(patched(nifti(tmp_path / "t2.nii", values), SCALE_SLOPE, np.float32(10)), "nifti")[1]
    np.testing.assert_allclose(np.asarray(image.dataobj), values.astype(float) * 10)


def test_nifti_2_is_read(tmp_path, voxels, convert, same_image):
    affine = np.diag([5, 5, 5.5, 1])
    nib.save(nib.Nifti2Image(voxels, affine), tmp_path / "T2.nii.gz")
    same_image(convert(tmp_path / "T2.nii.gz", "nifti")[1], voxels, affine)


def test_a_nifti_is_found_in_its_folder_unless_there_are_two(tmp_path, voxels, nifti, convert, excluded):
    raw = tmp_path / "raw"
    for name in ("T2w.nii.gz", "t2_flair.nii", "T2star.nii", "t2_tumour_mask.nii", "t1.nii", "._T2w.nii.gz"):
        nifti(raw / name, voxels)
    assert convert(raw, "nifti")[0]["status"] == "included"
    nifti(raw / "b_T2.nii", voxels)
    excluded("2 T2 images: ambiguous", raw, "nifti")
    (tmp_path / "none").mkdir()
    excluded("holds no T2 image", tmp_path / "none", "nifti")


COLOUR = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("has 2 volumes", lambda v: np.stack([v, v], -1)),
        ("has 2 dimensions", lambda v: v[:, :, 0]),
        ("colours or complex", lambda v: np.repeat(v.astype("u1")[..., None], 3, -1).view(COLOUR)[..., 0]),
        ("colours or complex", lambda v: v.astype(np.complex64)),
        ("all voxels of the image are equal", np.ones_like),
        ("less than a head", lambda v: v[:, :, :4]),
        ("less than a head", lambda v: v[:2, :1, :1]),
        ("ml of the image are not finite", lambda v: np.where(v > 900, np.nan, v).astype(np.float32)),
        ("ml of the image are not finite", lambda v: v.astype(float) * 1e37),
    ],
)
def test_what_is_no_single_volume_of_a_head_is_excluded(tmp_path, voxels, nifti, excluded, reason, change):
    excluded(reason, nifti(tmp_path / "t2.nii", change(voxels)), "nifti")


@pytest.mark.parametrize(
    ("reason", "spacing"),
    [
        ("25 x 5 x 5 mm, which no clinical T2", (25, 5, 5)),
        ("0.05 x 20", (0.05, 20, 20)),
        ("no usable sform or qform", (0, 5, 5)),
        ("no usable sform or qform", (np.nan, 5, 5)),
    ],
)
def test_an_impossible_voxel_size_is_excluded(tmp_path, voxels, nifti, excluded, reason, spacing):
    file = nifti(tmp_path / "t2.nii", voxels)
    image = nib.load(file)
    header = image.header.copy()
    header["srow_x"][0], header["srow_y"][1], header["srow_z"][2] = spacing
    header["qform_code"] = 0
    nib.save(nib.Nifti1Image(voxels, None, header), file)
    excluded(reason, file, "nifti")


def test_few_voxels_that_are_not_finite_become_zero_and_are_counted(tmp_path, voxels, nifti, convert):
    # 0.1375 ml a voxel: three are under the limit of half a millilitre, four above it.
    odd = voxels.astype(np.float32)
    odd[3, 3, 3:6] = np.nan, np.inf, -np.inf
    sidecar, image = convert(nifti(tmp_path / "a.nii", odd), "nifti")
    assert sidecar["not_finite"] == 3
    np.testing.assert_array_equal(np.asarray(image.dataobj), np.where(np.isfinite(odd), odd, 0))
    odd[4, 4, 4] = np.nan
    assert "0.55 ml" in convert(nifti(tmp_path / "b.nii", odd), "nifti")[0]["reason"]


def test_negative_and_saturated_voxels_are_kept_and_told(tmp_path, voxels, nifti, convert):
    odd = voxels.astype(np.int16)
    odd[:2], odd[2:5] = -7, 1000
    sidecar, image = convert(nifti(tmp_path / "a.nii", odd), "nifti")
    np.testing.assert_array_equal(np.asarray(image.dataobj), odd)
    assert (sidecar["negative"], sidecar["saturated"]) == (0.1, 0.15)


@pytest.mark.parametrize(
    ("reason", "offset", "value"),
    [
        ("promises 2147352578 voxels", DIMENSIONS, np.int16([3, 32767, 32767, 2])),
        ("cut short", DIMENSIONS, np.int16([3, 512, 512, 1000])),
        ("cut short", VOXEL_OFFSET, np.float32(1e9)),
        ("damaged", VOXEL_OFFSET, np.float32(np.nan)),
        ("promises -10560 voxels", DIMENSIONS, np.int16([3, -20, 24, 22])),
        ("damaged", 70, np.int16(9999)),
        ("damaged", 344, np.frombuffer(b"abcd", np.uint8)),
        ("no usable sform or qform", CODES, np.int16([0, 0])),
    ],
    ids=["huge", "more", "offset", "nan", "negative", "type", "magic", "codes"],
)
def test_a_header_that_lies_is_refused_without_taking_memory(tmp_path, voxels, nifti, excluded, reason, offset, value):
    file = patched(nifti(tmp_path / "t2.nii", voxels), offset, value)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    excluded(reason, file, "nifti")
    packed = tmp_path / "t2.nii.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    excluded(reason, packed, "nifti")
    # In kB; what the headers promise are 0.5 and 4 GB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def test_a_small_file_that_unpacks_to_much_more_than_its_image_costs_no_memory(tmp_path, voxels, nifti, convert):
    file = tmp_path / "t2.nii.gz"
    whole = nifti(tmp_path / "t2.nii", voxels).read_bytes()
    file.write_bytes(gzip.compress(whole) + gzip.compress(bytes(2**28)) * 4)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert convert(file, "nifti")[0]["status"] == "included"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


@given(share=st.floats(0, 0.999))
@settings(max_examples=25, deadline=None)
def test_wherever_a_file_is_cut_it_is_excluded(tmp_path_factory, share):
    folder = tmp_path_factory.mktemp("cut")
    nib.save(nib.Nifti1Image(np.arange(8000, dtype=np.int16).reshape(20, 20, 20), np.eye(4)), folder / "T2.nii.gz")
    data = (folder / "T2.nii.gz").read_bytes()
    (folder / "T2.nii.gz").write_bytes(data[: int(share * len(data))])
    # The last 8 bytes are a checksum and a length, without which the voxels are all there.
    if share * len(data) < len(data) - 9:
        with pytest.raises(Exception, match=r"cut short|cannot be read"):
            read_exam(folder)


@given(block=arrays(np.uint8, 352))
@settings(max_examples=60, deadline=None)
def test_no_header_at_all_ends_in_an_error_other_than_a_reason(tmp_path_factory, block):
    # Random bytes where a header's are, with only size and magic right.
    folder = tmp_path_factory.mktemp("random")
    block[:4], block[344:348] = np.frombuffer(b"\x5c\x01\0\0", np.uint8), np.frombuffer(b"n+1\0", np.uint8)
    (folder / "T2.nii").write_bytes(block.tobytes() + bytes(1000))
    from gliodelta.status import Excluded

    try:
        read_exam(folder)
    except Excluded:
        return


def header_of(sform, qform, codes):
    header = nib.Nifti1Header()
    header.set_data_shape((40, 50, 20))
    header.set_qform(qform, int(codes[1]))
    header.set_sform(sform, int(codes[0]))
    return header


SCANNER, TEMPLATE = from_matvec(TILTED * [-1, 1, 5], [10, 20, 30]), from_matvec(np.diag([1, 1, 5.0]), [-20, -25, -50])


def test_agreeing_forms_are_taken_without_a_note():
    # Half a voxel apart, as after rounding by tools.
    near = SCANNER.copy()
    near[:3, 3] += 0.5
    affine, note = place(header_of(SCANNER, near, (1, 1)), (40, 50, 20))
    np.testing.assert_allclose(affine, SCANNER, atol=1e-5)
    assert note is None


@pytest.mark.parametrize(("codes", "taken"), [((4, 1), "qform"), ((1, 4), "sform"), ((2, 1), "qform")])
def test_of_disagreeing_forms_the_scanners_is_taken_and_noted(codes, taken):
    sform, qform = (SCANNER, TEMPLATE) if taken == "sform" else (TEMPLATE, SCANNER)
    affine, note = place(header_of(sform, qform, codes), (40, 50, 20))
    np.testing.assert_allclose(affine, SCANNER, atol=1e-4)
    assert f"the {taken} is the scanner's" in note


def test_a_form_that_cannot_be_inverted_counts_as_missing(tmp_path, voxels, nifti, convert):
    file = nifti(tmp_path / "t2.nii", voxels)
    # The sform's three rows follow the codes and six numbers of the quaternion.
    patched(patched(file, CODES, np.int16([1, 1])), QUATERNION + 24, np.zeros(12, np.float32))
    sidecar, image = convert(file, "nifti")
    assert sidecar["status"] == "included"
    np.testing.assert_allclose(image.affine, np.diag([5, 5, 5.5, 1]))


def test_forms_that_disagree_about_left_and_right_are_excluded(tmp_path, voxels, nifti, excluded):
    file = nifti(tmp_path / "t2.nii", voxels, np.diag([5, 5, 5.5, 1]))
    image = nib.load(file)
    header = image.header.copy()
    header.set_sform(np.diag([-5, 5, 5.5, 1]), 1)
    header.set_qform(np.diag([5, 5, 5.5, 1]), 1)
    nib.save(nib.Nifti1Image(voxels, None, header), file)
    excluded("sform and qform .* more than a voxel apart", file, "nifti")


def test_an_image_with_dark_fluid_is_no_t2_whatever_its_name(tmp_path, scanned, nifti, convert, excluded):
    convert(nifti(tmp_path / "T2.nii.gz", *scanned("T2")), "nifti")
    excluded("fluid is dark", nifti(tmp_path / "flair" / "T2.nii.gz", *scanned("FLAIR")), "nifti")
