"""Exams as a scanner sends them: a T2 series among others, one DICOM file a slice, names and order differing by vendor.

Reference: DICOM PS3.3 C.7.6.2 (image plane) and C.8.3 (MR image).
"""

import dataclasses
import uuid

import numpy as np

from gliodelta import io
from gliodelta.simulation.acquisition import RADIOLOGICAL, Scan, acquire
from gliodelta.simulation.geometry import FLIP, Grid
from gliodelta.simulation.seeds import stream

AXES, STRIPPED = RADIOLOGICAL, False
# Manufacturer, model, and what each vendor's users call the series.
VENDORS = (
    ("SIEMENS", "Simulated S", {"T2": "t2_tse_tra_448", "T1": "t1_se_tra", "FLAIR": "t2_tirm_tra_dark-fluid", "localiser": "localizer"}),
    ("GE MEDICAL SYSTEMS", "Simulated G", {"T2": "Ax T2 FRFSE", "T1": "Ax T1 SE", "FLAIR": "Ax T2 FLAIR", "localiser": "3-Plane Loc"}),
    ("Philips Medical Systems", "Simulated P", {"T2": "T2W_TSE", "T1": "T1W_SE", "FLAIR": "FLAIR_longTR", "localiser": "SURVEY"}),
)
# Echo and repetition time (ms, ranges), inversion time (ms) and sequence of routine protocols.
PROTOCOLS = {
    "T2": {"echo": (85, 110), "repetition": (3800, 6500), "sequence": ["SE"], "variant": "SK", "train": 15},
    "T1": {"echo": (8, 14), "repetition": (450, 650), "sequence": ["SE"], "variant": "OSP", "train": 1},
    "FLAIR": {"echo": (90, 125), "repetition": (8500, 9500), "inversion": 2500, "sequence": ["SE", "IR"], "variant": "SK", "train": 18},
    "localiser": {"echo": (4, 6), "repetition": (8, 12), "sequence": ["GR"], "variant": "SP", "train": 1},
}
# Directions of columns, rows (downwards is minus) and slices of a localiser's three planes in RAS+ world.
PLANES = (((-1, 0, 0), (0, 1, 0), (0, 0, 1)), ((-1, 0, 0), (0, 0, 1), (0, -1, 0)), ((0, -1, 0), (0, 0, 1), (1, 0, 0)))
# The other series are only there to be told apart: this much coarser, to save time.
COARSER = 2
MR_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.4"


@dataclasses.dataclass(frozen=True)
class Series:
    """One series of a study: its `header` (DICOM keywords and values) and where its files go."""

    kind: str
    number: int
    header: dict
    compressed: bool


def exam_folder(patient, exam):
    """Returns the folder of an exam's files below that of its patient."""
    return f"ses-{exam.session}/dicom"


def write_exam(settings, patient, exam, scene, scan, image, folder):
    """Writes the T2 series of an exam and beside it T1, FLAIR and a localiser, in an order that differs.

    Args:
        settings: dict of the schema `simulation`.
        patient, exam: `plan.Patient` and `plan.Exam`.
        scene, scan: `acquisition.Visit` and `acquisition.Scan` of the T2 series.
        image: the T2 series, float32 of the shape of the scan's grid.
        folder: pathlib.Path; each series gets a folder, named by its number only.
    """
    draw = stream(settings["seed"], patient.subject, exam.session, "dicom")
    manufacturer, model, names = VENDORS[draw.integers(len(VENDORS))]
    study = _study_header(settings, patient, exam, draw) | {"Manufacturer": manufacturer, "ManufacturerModelName": model}
    gain = draw.uniform(400, 1600)
    kinds = ["localiser", *draw.permutation(["T2", "T1", "FLAIR"])]
    for number, kind in enumerate(map(str, kinds), start=1):
        series = Series(kind, number, study | _series_header(kind, number, names[kind], draw), exam.compressed)
        for part, grid in _images(settings, scene, scan, image, kind, draw):
            _write_slices(settings, exam, series, part * gain, grid, folder / f"{number:04d}")


def _images(settings, scene, scan, image, kind, draw):
    """The images (array, grid) of a series."""
    if kind == "T2":
        return [(image, scan.grid)]
    contrast = "T1" if kind == "localiser" else kind
    grids = _planes(scan.grid) if kind == "localiser" else [_coarser(scan.grid)]
    levels = (draw, settings["bias"], settings["noise"])
    return [(acquire(scene, Scan(scan.pose, grid), contrast, *levels), grid) for grid in grids]


def _coarser(grid):
    shape = tuple(max(size // COARSER, 1) for size in grid.shape)
    affine = grid.affine @ np.diag([COARSER, COARSER, COARSER, 1])
    affine[:3, 3] = (grid.affine @ [*[(COARSER - 1) / 2] * 3, 1])[:3]
    return Grid(shape, affine)


def _planes(grid):
    """Grids of one slice each: axial, coronal and sagittal through the middle of the T2 series."""
    middle = (grid.affine @ [*(np.array(grid.shape) - 1) / 2, 1])[:3]
    pixel = COARSER * grid.spacing[0]
    size = int(np.ceil(240 / pixel))
    grids = []
    for directions in PLANES:
        affine = np.eye(4)
        affine[:3, :3] = np.array(directions).T * [pixel, pixel, grid.spacing[2]]
        affine[:3, 3] = middle - affine[:3, :2] @ ([(size - 1) / 2] * 2)
        grids.append(Grid((size, size, 1), affine))
    return grids


def _uid(settings, *names):
    """A valid UID below the root 2.25 (ITU-T X.667: a UUID as a number), the same for the same names."""
    text = "/".join(map(str, (settings["seed"], *names)))
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, f'gliodelta/{text}').int}"


def _study_header(settings, patient, exam, draw):
    day = f"{exam.date:%Y%m%d}"
    return {
        "PatientName": f"SIMULATED^{patient.subject.upper()}",
        "PatientID": f"SIM{settings['seed']:04d}{patient.number:04d}",
        "PatientBirthDate": "19600101",
        "PatientSex": "O",
        "PatientPosition": "HFS",
        "InstitutionName": "Simulated Hospital",
        "StudyInstanceUID": _uid(settings, patient.subject, exam.session),
        "FrameOfReferenceUID": _uid(settings, patient.subject, exam.session, "frame"),
        "StudyID": f"{draw.integers(1000, 9999)}",
        "AccessionNumber": f"A{draw.integers(100_000, 999_999)}",
        "StudyDescription": "IRM CEREBRALE" if patient.language == "fr" else "MRI HEAD",
        "StudyDate": day,
        "SeriesDate": day,
        "AcquisitionDate": day,
        "ContentDate": day,
        "StudyTime": "090000",
        "MagneticFieldStrength": float(draw.choice([1.5, 3.0])),
        "BodyPartExamined": "HEAD",
        "Modality": "MR",
        "ReferringPhysicianName": "",
    }


def _series_header(kind, number, name, draw):
    protocol = PROTOCOLS[kind]
    time = f"09{5 * number:02d}00"
    header = {
        "SeriesDescription": name,
        "ProtocolName": name,
        "SeriesNumber": number,
        "AcquisitionNumber": 1,
        "SeriesTime": time,
        "AcquisitionTime": time,
        "ContentTime": time,
        "ImageType": ["ORIGINAL", "PRIMARY", "M"],
        "ScanningSequence": protocol["sequence"],
        "SequenceVariant": protocol["variant"],
        "ScanOptions": "",
        "MRAcquisitionType": "2D",
        "EchoTime": float(draw.integers(*protocol["echo"], endpoint=True)),
        "RepetitionTime": float(draw.integers(*protocol["repetition"], endpoint=True)),
        "EchoTrainLength": protocol["train"],
        "FlipAngle": 90.0 if kind != "localiser" else 20.0,
        "NumberOfAverages": 1.0,
    }
    return header | ({"InversionTime": float(protocol["inversion"])} if "inversion" in protocol else {})


def _write_slices(settings, exam, series, image, grid, folder):
    """Writes the slices of one image; files are numbered on from those that the folder holds."""
    voxels = np.clip(np.rint(image), 0, 4095).astype(np.uint16)
    first = len(list(folder.glob("*"))) if folder.is_dir() else 0
    lps = FLIP @ grid.affine
    column, row, normal = (lps[:3, axis] / grid.spacing[axis] for axis in range(3))
    for index in range(grid.shape[2]):
        # The rows of DICOM run the other way: down, while the grid's second axis runs up or to the front.
        position = (lps @ [0, grid.shape[1] - 1, index, 1])[:3]
        dataset = _dataset(series.header, np.ascontiguousarray(voxels[:, ::-1, index].T))
        instance = first + index + 1
        dataset.SeriesInstanceUID = _uid(settings, series.header["StudyInstanceUID"], series.number)
        dataset.SOPInstanceUID = _uid(settings, series.header["StudyInstanceUID"], series.number, instance)
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.InstanceNumber = instance
        dataset.ImagePositionPatient = _decimal(position)
        dataset.ImageOrientationPatient = _decimal([*column, *-row])
        dataset.PixelSpacing = _decimal([grid.spacing[1], grid.spacing[0]])
        dataset.SliceThickness = dataset.SpacingBetweenSlices = _decimal([grid.spacing[2]])[0]
        dataset.SliceLocation = _decimal([position @ normal])[0]
        _save(dataset, folder / f"IM{instance:04d}.dcm", series.compressed)


def _decimal(values):
    """Decimal strings: at most 16 characters each."""
    return [f"{value:.9f}"[:16] for value in values]


def _dataset(header, pixels):
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = MR_IMAGE_STORAGE
    dataset.SpecificCharacterSet = "ISO_IR 100"
    for keyword, value in header.items():
        setattr(dataset, keyword, value)
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelData = pixels.astype("<u2").tobytes()
    return dataset


def _save(dataset, path, compressed):
    from pydicom.uid import JPEGLSLossless

    if compressed:
        dataset.compress(JPEGLSLossless, generate_instance_uid=False)
    with io.atomic(path) as temporary:
        dataset.save_as(temporary, enforce_file_format=True)
