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
KINDS = ("T2", "T1", "FLAIR", "localiser")
# Manufacturer, model, and what each vendor's users call the series of these kinds.
VENDORS = (
    ("SIEMENS", "Simulated S", ("t2_tse_tra_448", "t1_se_tra", "t2_tirm_tra_dark-fluid", "localizer")),
    ("GE MEDICAL SYSTEMS", "Simulated G", ("Ax T2 FRFSE", "Ax T1 SE", "Ax T2 FLAIR", "3-Plane Loc")),
    ("Philips Medical Systems", "Simulated P", ("T2W_TSE", "T1W_SE", "FLAIR_longTR", "SURVEY")),
)
# Echo and repetition time (ms, ranges), inversion time (ms) and sequence of routine protocols.
PROTOCOLS = {
    "T2": {"echo": (85, 110), "repetition": (3800, 6500), "sequence": ["SE"], "train": 15},
    "T1": {"echo": (8, 14), "repetition": (450, 650), "sequence": ["SE"], "train": 1},
    "FLAIR": {"echo": (90, 125), "repetition": (8500, 9500), "inversion": 2500, "sequence": ["SE", "IR"], "train": 18},
    "localiser": {"echo": (4, 6), "repetition": (8, 12), "sequence": ["GR"], "train": 1},
}
# Directions of columns, rows (downwards is minus) and slices of a localiser's three planes in RAS+ world.
PLANES = (((-1, 0, 0), (0, 1, 0), (0, 0, 1)), ((-1, 0, 0), (0, 0, 1), (0, -1, 0)), ((0, -1, 0), (0, 0, 1), (1, 0, 0)))
# The other series are only there to be told apart: this much coarser along each axis, to save time.
COARSER = (2, 2, 3)
MR_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.4"


@dataclasses.dataclass(frozen=True)
class Series:
    """One series of a study: its number, `header` (DICOM keywords and values) and transfer syntax."""

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
    study = _study_header(settings, patient, exam, draw)
    study |= {"Manufacturer": manufacturer, "ManufacturerModelName": model}
    names = dict(zip(KINDS, names, strict=True))
    gain = draw.uniform(400, 1600)
    kinds = ["localiser", *draw.permutation(["T2", "T1", "FLAIR"])]
    signals = {"T1": scene.signal("T1"), "FLAIR": scene.signal("FLAIR")}
    for number, kind in enumerate(map(str, kinds), start=1):
        series = Series(number, study | _series_header(kind, number, names[kind], draw), exam.compressed)
        for part, grid in _images(settings, scene, signals, scan, image, kind, draw):
            _write_slices(settings, series, part * gain, grid, folder / f"{number:04d}")


def _images(settings, scene, signals, scan, image, kind, draw):
    """The images (array, grid) of a series."""
    if kind == "T2":
        return [(image, scan.grid)]
    signal = signals["T1" if kind == "localiser" else kind]
    grids = _planes(scan.grid) if kind == "localiser" else [_coarser(scan.grid)]
    levels = (draw, settings["bias"], settings["noise"])
    return [(acquire(scene, signal, Scan(scan.pose, grid), *levels), grid) for grid in grids]


def _coarser(grid):
    shape = tuple(max(size // factor, 1) for size, factor in zip(grid.shape, COARSER, strict=True))
    affine = grid.affine @ np.diag([*COARSER, 1])
    affine[:3, 3] = (grid.affine @ [*((factor - 1) / 2 for factor in COARSER), 1])[:3]
    return Grid(shape, affine)


def _planes(grid):
    """Grids of one slice each: axial, coronal and sagittal through the middle of the T2 series."""
    middle = (grid.affine @ [*(np.array(grid.shape) - 1) / 2, 1])[:3]
    pixel = COARSER[0] * grid.spacing[0]
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
        "SequenceVariant": "SK" if protocol["train"] > 1 else "SP",
        "ScanOptions": "",
        "MRAcquisitionType": "2D",
        "EchoTime": float(draw.integers(*protocol["echo"], endpoint=True)),
        "RepetitionTime": float(draw.integers(*protocol["repetition"], endpoint=True)),
        "EchoTrainLength": protocol["train"],
        "FlipAngle": 90.0 if kind != "localiser" else 20.0,
        "NumberOfAverages": 1.0,
    }
    return header | ({"InversionTime": float(protocol["inversion"])} if "inversion" in protocol else {})


def _write_slices(settings, series, image, grid, folder):
    """Writes the slices of one image; files are numbered on from those that the folder holds."""
    # The rows of DICOM run the other way: down, while the grid's second axis runs up or to the front.
    voxels = np.clip(np.rint(image[:, ::-1]), 0, 4095).astype("<u2")
    dataset = _dataset(series.header, voxels.shape, grid)
    lps = FLIP @ grid.affine
    study = dataset.StudyInstanceUID
    dataset.SeriesInstanceUID = _uid(settings, study, series.number)
    first = len(list(folder.glob("*"))) if folder.is_dir() else 0
    for index in range(grid.shape[2]):
        instance = first + index + 1
        position = (lps @ [0, grid.shape[1] - 1, index, 1])[:3]
        dataset.SOPInstanceUID = _uid(settings, study, series.number, instance)
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.InstanceNumber = instance
        dataset.ImagePositionPatient = _decimal(position)
        dataset.SliceLocation = _decimal([position @ lps[:3, 2] / grid.spacing[2]])[0]
        _save(dataset, np.ascontiguousarray(voxels[:, :, index].T), series.compressed, folder / f"IM{instance:04d}.dcm")


def _decimal(values):
    """Decimal strings: at most 16 characters each."""
    return [f"{value:.9f}"[:16] for value in values]


def _dataset(header, shape, grid):
    """What the slices of an image have in common."""
    from pydicom.dataset import Dataset, FileMetaDataset

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = MR_IMAGE_STORAGE
    dataset.SpecificCharacterSet = "ISO_IR 100"
    for keyword, value in header.items():
        setattr(dataset, keyword, value)
    column, row, _ = (FLIP[:3, :3] @ grid.affine[:3, :3] / grid.spacing).T
    dataset.ImageOrientationPatient = _decimal([*column, *-row])
    dataset.PixelSpacing = _decimal([grid.spacing[1], grid.spacing[0]])
    dataset.SliceThickness = dataset.SpacingBetweenSlices = _decimal([grid.spacing[2]])[0]
    dataset.Columns, dataset.Rows = shape[:2]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    return dataset


def _save(dataset, pixels, compressed, path):
    from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless

    if compressed:
        dataset.compress(JPEGLSLossless, pixels, generate_instance_uid=False)
    else:
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.PixelData = pixels.tobytes()
    with io.atomic(path) as temporary:
        dataset.save_as(temporary, enforce_file_format=True)
