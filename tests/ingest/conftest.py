"""Small exams with known voxels, as DICOM, NIfTI and MetaImage."""

import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

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
