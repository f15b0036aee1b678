"""Small exams with known voxels, as DICOM, NIfTI and MetaImage."""

import functools
import re
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage
from scipy import ndimage

from gliodelta import io
from gliodelta.ingest.convert import convert_exam

T2 = {
    "ScanningSequence": "SE",
    "SequenceVariant": ["SK", "SP"],
    "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"],
    "EchoTime": 100,
    "RepetitionTime": 4500,
    "MagneticFieldStrength": 3,
    "Manufacturer": "SIEMENS",
    "SeriesDescription": "",
}
# Columns, rows and slices; large enough for a head, small enough for a test.
AXIAL = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
SHAPE, SPACING_MM = (20, 24, 22), (5.0, 5.0, 5.5)


@pytest.fixture
def voxels():
    """Random voxels of `SHAPE`: along columns, rows and slices."""
    return np.random.default_rng(0).integers(1, 1000, SHAPE).astype(np.uint16)


@pytest.fixture
def dicom_series(voxels):
    """A function that writes a series and returns (voxels, affine to RAS)."""

    def write(folder, number=1, rotation=AXIAL, skip=(), step=SPACING_MM[2], **elements):
        folder.mkdir(parents=True, exist_ok=True)
        rotation = np.asarray(rotation, float)
        uid = elements.pop("SeriesInstanceUID", f"1.2.826.0.1.3680043.8.498.{number}")
        for index in set(range(SHAPE[2])) - set(skip):
            dataset = _slice(voxels[:, :, index], uid, number, index, {**T2, **elements})
            dataset.ImageOrientationPatient = [*rotation[:, 0], *rotation[:, 1]]
            dataset.ImagePositionPatient = [*(rotation @ [-50, -60, step * index - 55])]
            dataset.SpacingBetweenSlices = dataset.SliceThickness = step
            dataset.save_as(folder / f"{number}-{index:03d}", enforce_file_format=True)
        affine = np.eye(4)
        affine[:3, :3] = rotation * [*SPACING_MM[:2], step]
        affine[:3, 3] = rotation @ [-50, -60, -55]
        return voxels, np.diag([-1, -1, 1, 1]) @ affine

    return write


def _slice(pixels, uid, number, index, elements):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = elements.get("SOPClassUID", MRImageStorage)
    meta.MediaStorageSOPInstanceUID = f"{uid}.{elements.get('EchoTime', 0)}.{index + 1}".replace("..", ".")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.SeriesInstanceUID, dataset.StudyInstanceUID = uid, "1.2.826.0.1.3680043.8.498.9"
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = "MR", number, index + 1
    dataset.PatientID, dataset.PatientName, dataset.StudyDate = "p", "n", "20200101"
    dataset.PixelSpacing = [SPACING_MM[1], SPACING_MM[0]]
    dataset.Rows, dataset.Columns = pixels.shape[1], pixels.shape[0]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, "MONOCHROME2", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelData = np.ascontiguousarray(pixels.T).tobytes()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.fixture
def convert(tmp_path):
    """A function that converts an exam; returns its sidecar and its image."""

    def run(source, layout="dicom"):
        # A new file each time, since cohorts are read once a process.
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        cohort_file = write_cohort(folder, layout, {("a1", "0"): source})
        image, sidecar = folder / "image.nii.gz", folder / "image.json"
        convert_exam(cohort_file, "a1", "0", "", image, sidecar)
        return io.read_json(sidecar), io.read_image(image)

    return run


@pytest.fixture
def excluded(convert):
    """A function that asserts that an exam is excluded for a reason, given as a regular expression."""

    def check(reason, source, layout="dicom"):
        sidecar, image = convert(source, layout)
        assert sidecar["status"] == "excluded"
        assert re.search(reason, sidecar["reason"]), sidecar["reason"]
        assert set(sidecar) == {"status", "reason"}
        assert image.shape == (1, 1, 1)

    return check


@pytest.fixture
def nifti():
    """A function that writes a NIfTI-1 image."""

    def write(path, array, affine=None):
        path.parent.mkdir(parents=True, exist_ok=True)
        affine = np.diag([*SPACING_MM, 1]) if affine is None else affine
        nib.save(nib.Nifti1Image(array, affine, dtype=array.dtype), path)
        return path

    return write


@pytest.fixture
def metaimage(voxels):
    """A function that writes an exam in the layout of BRATS-2015 and returns its file."""

    def write(folder, array=None, vector=False, compressed=True):
        import SimpleITK as sitk

        image = sitk.GetImageFromArray(voxels.T.astype(np.int16) if array is None else array, isVector=vector)
        image.SetSpacing(SPACING_MM)
        image.SetOrigin((0, -239, 10))
        file = folder / "VSD.Brain.XX.O.MR_T2.35535" / "VSD.Brain.XX.O.MR_T2.35535.mha"
        file.parent.mkdir(parents=True)
        sitk.WriteImage(image, str(file), useCompression=compressed)
        return file

    return write


@pytest.fixture
def cohort():
    """The function `write_cohort`."""
    return write_cohort


def write_cohort(folder, layout, sources, name="c"):
    """Writes the YAML and sheets of a cohort whose exams lie at `sources`; returns the YAML's path."""
    file = Path(folder, f"{name}.yaml")
    io.write_yaml({"role": "inference", "layout": layout}, file)
    rows = [f"{subject}\t{session}\t{source}\n" for (subject, session), source in sources.items()]
    io.write_text("subject\tsession\tsource\n" + "".join(rows), file.with_suffix("") / "exams.tsv")
    io.write_text("subject\tprior\tcurrent\n", file.with_suffix("") / "pairs.tsv")
    return str(file)


@pytest.fixture
def same_image():
    """A function that asserts that an image holds these voxels at these places, in the order closest to RAS."""

    def check(image, voxels, affine):
        expected = nib.as_closest_canonical(nib.Nifti1Image(voxels, affine))
        np.testing.assert_array_equal(np.asarray(image.dataobj), np.asarray(expected.dataobj))
        np.testing.assert_allclose(image.affine, expected.affine, atol=1e-3)
        assert nib.aff2axcodes(image.affine) == ("R", "A", "S")

    return check


@pytest.fixture
def headers():
    """A function that returns the headers of a `Series` in memory: its elements changed, `slices` at `step` mm."""

    def make(slices=SHAPE[2], step=SPACING_MM[2], uid="1", rotation=AXIAL, **elements):
        rotation = np.asarray(rotation, float)
        first = {**T2, "SOPClassUID": MRImageStorage, "Modality": "MR", "SeriesInstanceUID": uid, **elements}
        first |= {"PixelSpacing": [0.5, 0.5], "ImageOrientationPatient": [*rotation[:, 0], *rotation[:, 1]]}
        places = [(tuple(rotation @ [0, 0, step * index]),) for index in range(slices)]
        keys = [f"{uid}-{elements.get('EchoTime')}-{index}" for index in range(slices)]
        return [
            {**first, "SOPInstanceUID": key, "path": Path(key), "positions": [*at]}
            for key, at in zip(keys, places, strict=True)
        ]

    return make


@pytest.fixture
def edit():
    """A function that rewrites elements of the DICOM files of one folder into another."""

    def run(source, target, **elements):
        target.mkdir(parents=True)
        for file in sorted(source.iterdir()):
            dataset = pydicom.dcmread(file)
            for keyword, value in elements.items():
                setattr(dataset, keyword, value)
            dataset.save_as(target / file.name)

    return run


@pytest.fixture(scope="session")
def scanned():
    """A function that scans the simulated patient with the largest tumour; returns (array, affine)."""
    from gliodelta.simulation.acquisition import Scan, acquire, draw_scan, visit
    from gliodelta.simulation.anatomy import COARSE_MM, CONTRASTS, HIGH, LOW, make_head
    from gliodelta.simulation.geometry import Grid, box
    from gliodelta.simulation.growth import grow, ventricle_drift
    from gliodelta.simulation.plan import draw_cohort, read_settings

    settings = read_settings(str(Path(__file__).parents[2] / "config" / "cohorts" / "demo.yaml")) | {"pixel_mm": 2.0}
    patient = max(draw_cohort(settings), key=lambda one: max(exam.volume_ml for exam in one.exams))
    exam = max(patient.exams, key=lambda one: one.volume_ml)
    head, coarse = make_head(settings, patient.subject), box(LOW, HIGH, COARSE_MM)
    tumour = grow(settings, patient, head)
    scene = visit(head, tumour, exam.volume_ml, 0 * ventricle_drift(head, coarse), coarse)
    scan = draw_scan(settings, patient.subject, exam.session)

    @functools.cache
    def run(contrast, coil=settings["bias"], slice_mm=None):
        # Proton density is no contrast of the simulation: fluid lies between white and grey matter.
        signals = CONTRASTS[contrast] if contrast in CONTRASTS else CONTRASTS["T2"] | {"white": 0.55, "fluid": 0.62}
        signal = sum(signals[name] * part for name, part in scene.tissues.items()) * scene.texture
        grid = scan.grid
        if slice_mm:
            times = slice_mm / grid.spacing[2]
            shape = (*grid.shape[:2], int(grid.shape[2] / times))
            grid = Grid(shape, grid.affine @ np.diag([1, 1, times, 1]))
        image = acquire(scene, signal, Scan(scan.pose, grid), np.random.default_rng(1), coil, settings["noise"])
        return image * 1000, grid.affine

    return run


@pytest.fixture
def limb():
    """A function that makes axial slices of a limb or trunk, which may be larger than the field of view."""

    def make(radius_mm, field_mm, slices=30):
        draw, pixels = np.random.default_rng(0), int(field_mm / 2)
        texture = ndimage.gaussian_filter(draw.standard_normal((pixels, pixels, slices)), (2, 2, 1))
        places = 2 * (np.arange(pixels) - pixels / 2)
        inside = np.hypot(places[:, None], places)[..., None] < radius_mm
        tissue = (400 + 80 * texture / texture.std()) * inside
        return tissue + draw.rayleigh(10, tissue.shape), np.diag([2, 2, 4, 1])

    return make


@pytest.fixture
def dicom_image():
    """A function that writes an image (array, affine to RAS) as a series; returns what its voxels were rounded to."""

    def write(folder, image, number=1, **elements):
        folder.mkdir(parents=True, exist_ok=True)
        array, affine = np.rint(image[0]).astype(np.uint16), np.diag([-1, -1, 1, 1]) @ image[1]
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
        for index in range(array.shape[2]):
            dataset = _slice(
                array[:, :, index], f"1.2.826.0.1.3680043.8.498.{number}", number, index, {**T2, **elements}
            )
            dataset.PixelSpacing, dataset.SliceThickness = [spacing[1], spacing[0]], spacing[2]
            dataset.ImageOrientationPatient = [*(affine[:3, :2] / spacing[:2]).T.ravel()]
            dataset.ImagePositionPatient = [*(affine @ [0, 0, index, 1])[:3]]
            dataset.save_as(folder / f"{number}-{index:03d}", enforce_file_format=True)
        return array, image[1]

    return write
