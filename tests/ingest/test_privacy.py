"""Names planted wherever raw data can hold them appear in nothing that a job writes, also when it fails."""

import gzip
import os
import subprocess
import sys
import zipfile

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

# Names and dates do not fit the elements that hold codes, which is what real headers are like.
pytestmark = pytest.mark.filterwarnings("ignore:.*alue")
# A name as people have, whose parts no code holds; a birth date, and a number as in UIDs and hospital systems.
NAME, BORN, NUMBER = "Zzcanärý", "19560307", "982451653"
# As they are in UTF-8, in Latin-1, and without what an encoding may change.
SECRETS = [NAME.encode(), NAME.encode("latin-1"), b"Zzcan", b"ZZCAN", BORN.encode(), NUMBER.encode(), b"20200101"]
TEXTS = {
    "SH": ["StationName", "AccessionNumber", "StudyID", "PatientTelephoneNumbers"],
    "LO": ["SeriesDescription", "StudyDescription", "ProtocolName", "InstitutionName", "ManufacturerModelName"],
    "LT": ["PatientComments", "ImageComments", "AdditionalPatientHistory"],
    "ST": ["InstitutionAddress"],
    "PN": ["PatientName", "ReferringPhysicianName", "OperatorsName", "PatientBirthName", "PerformingPhysicianName"],
    "CS": ["BodyPartExamined", "ScanOptions", "SequenceVariant", "PatientPosition"],
    "UC": ["LongDeviceDescription"],
    "UT": ["TextValue"],
    "AE": ["StationAETitle"],
}
DATES = ["PatientBirthDate", "StudyDate", "SeriesDate", "AcquisitionDate"]
UIDS = ["FrameOfReferenceUID", "StudyInstanceUID", "InstanceCreatorUID"]
SEQUENCES = ["RequestAttributesSequence", "ReferencedStudySequence", "DeidentificationMethodCodeSequence"]

JOB = """
import sys
from pathlib import Path
from gliodelta import plugins
from gliodelta.ingest import LAYOUTS
from gliodelta.ingest.convert import convert_exam
from gliodelta.ingest.table import list_exams
from gliodelta.logs import job_log
from gliodelta.sheets import read_cohort
config, out, *cohorts = sys.argv[1:]
for name in cohorts:
    cohort, sidecars = f"{config}/{name}.yaml", []
    for session in [row["session"] for row in read_cohort(cohort)["exams"]]:
        stem = f"{out}/{name}/sub-a1_ses-{session}_T2w"
        with job_log(f"{stem}.log", private=True):
            convert_exam(cohort, "a1", session, "", f"{stem}.nii.gz", f"{stem}.json")
        sidecars.append(f"{stem}.json")
    with job_log(f"{out}/{name}/list.log", private=True):
        list_exams(cohort, sidecars, f"{out}/{name}/exams.tsv", f"{out}/{name}/reasons.tsv")
    # A bug whose error tells what it was about.
    layout = plugins.load(LAYOUTS, name)
    def crash(source):
        raise KeyError(f"{source} of Zzcan\\u00e4r\\u00fd")
    layout.read_exam = crash
    try:
        with job_log(f"{out}/{name}/crash.log", private=True):
            convert_exam(cohort, "a1", "0", "", f"{out}/{name}/crash.nii.gz", f"{out}/{name}/crash.json")
    except SystemExit as end:
        assert end.code == 1
"""


def plant(folder):
    """Plants the secrets in every kind of text of a folder's DICOM files, public, private and nested."""
    for file in folder.iterdir():
        dataset = pydicom.dcmread(file)
        dataset.SpecificCharacterSet = "ISO_IR 100"
        for place in (dataset, nested := Dataset()):
            for keyword in (keyword for keywords in TEXTS.values() for keyword in keywords):
                setattr(place, keyword, f"{NAME}^{keyword}"[:60] if keyword not in TEXTS["AE"] else NAME)
            for keyword in DATES:
                setattr(place, keyword, BORN)
            for keyword in UIDS:
                setattr(place, keyword, f"1.2.{NUMBER}.1")
            private = place.private_block(0x0011, f"{NAME} CREATOR", create=True)
            for offset, kind in enumerate([*TEXTS, "UN", "OB"]):
                value = NAME.encode("latin-1") + b" " * (len(NAME) % 2) if kind in ("UN", "OB") else NAME
                private.add_new(offset, kind, value)
        for keyword in SEQUENCES:
            setattr(dataset, keyword, [nested])
        dataset.ImageType = [*dataset.ImageType, NAME]
        dataset.Manufacturer = f"GE {NAME}"
        dataset.save_as(file)
        file.rename(file.with_name(f"{NAME} {file.name}"))
    return folder


def dicom_exams(raw, dicom_series):
    """Exams that convert, also from a .zip, and exams that are wrong in every place that can tell something."""
    uid = f"1.2.826.0.1.{NUMBER}"
    places = {name: raw / f"{NAME} {name}" for name in ("good", "none", "cut", "size", "odd", "uid", "tilt")}
    for name, place in places.items():
        changes = {"none": {"EchoTime": 10, "RepetitionTime": 500}, "size": {"PixelSpacing": None}}.get(name, {})
        dicom_series(place, SeriesInstanceUID=uid, **changes)
        plant(place)
    for name, old, new in [("odd", b"4500", b"ZZCA"), ("uid", b"1.2.826", b"ZZCANAR")]:
        # Letters for a repetition time and in UIDs: pydicom quotes faulty values in its warnings and errors.
        for file in places[name].iterdir():
            file.write_bytes(file.read_bytes().replace(old, new))
    for number, file in enumerate(sorted(places["tilt"].iterdir())):
        dataset = pydicom.dcmread(file)
        dataset.ImagePositionPatient = [-50, -60 + number, 5.5 * number - 55]
        dataset.save_as(file)
    file = sorted(places["cut"].iterdir())[3]
    dataset = pydicom.dcmread(file)
    dataset.compress(RLELossless)
    dataset.save_as(file)
    # pydicom warns of the missing end, with the file's name.
    file.write_bytes(file.read_bytes()[:-100])
    archive, locked = raw / f"{NAME}.zip", raw / f"{NAME} {BORN}.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for file in places["good"].iterdir():
            opened.write(file, f"{NAME}/{file.name}")
    data = bytearray(archive.read_bytes())
    # The first member's checksum.
    data[14] ^= 255
    locked.write_bytes(bytes(data[: len(data) // 2]))
    return [*places.values(), archive, locked], ["good", "uid", "tilt", "zip"]


def nifti_exams(raw, voxels):
    image = nib.Nifti1Image(voxels, np.diag([5, 5, 5.5, 1]))
    for field in ("descrip", "aux_file", "intent_name", "db_name"):
        image.header[field] = f"{NAME} {BORN}".encode("latin-1")[: image.header[field].dtype.itemsize]
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", NAME.encode()))
    image.header.extensions.append(nib.nifti1.Nifti1Extension("dicom", f"{NUMBER} {NAME}".encode()))
    good, broken, flat, magic = (raw / f"{NAME}{number}_T2w.nii" for number in range(4))
    nib.save(image, good)
    broken.write_bytes(good.read_bytes()[:2000])
    nib.save(nib.Nifti1Image(np.zeros((5, 5), np.uint8), np.eye(4)), flat)
    magic.write_bytes(good.read_bytes().replace(b"n+1\0", b"ZZCA"))
    folder = raw / NAME
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{NAME}_{name}_T2w.nii").write_bytes(good.read_bytes())
    return [good, broken, flat, magic, folder], ["good"]


def metaimage_exams(raw, voxels):
    image = sitk.GetImageFromArray(voxels.T)
    image.SetSpacing((5, 5, 5.5))
    image.SetMetaData("Comment", NAME)
    sources = [raw / f"{NAME}{number}" for number in range(4)]
    for source in sources:
        source.mkdir()
    files = [source / f"{NAME}.MR_T2.1.mha" for source in sources]
    sitk.WriteImage(image, str(files[0]))
    whole = files[0].read_bytes()
    files[1].write_bytes(whole[: len(whole) // 2])
    files[2].write_bytes(f"ObjectType = ZZCANAR\n{NAME} = 1\n".encode())
    files[3].write_bytes(whole.replace(b"ElementType = MET_USHORT", b"ElementType = ZZCANARYYYY"))
    return sources, ["good"]


def written_by_jobs(tmp_path, project, make_cohort, makers):
    """Runs the jobs of three cohorts of planted exams; returns what they write, {name: bytes}."""
    raw, config, out, scratch = (tmp_path / name for name in (f"{NAME} {BORN}", "config", "out", "scratch"))
    good = {}
    for layout, (make, data) in makers.items():
        (raw / layout).mkdir(parents=True)
        sources, good[layout] = make(raw / layout, data)
        make_cohort(config, layout, {("a1", str(session)): at for session, at in enumerate(sources)}, name=layout)
    scratch.mkdir()
    environment = {"PYTHONPATH": project / "workflow" / "src", "TMPDIR": scratch, "PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", JOB, config, out, *makers]
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    # Nothing is left where archives were unpacked.
    assert not any(scratch.iterdir())
    for layout, names in good.items():
        table = (out / layout / "exams.tsv").read_text()
        assert table.count("\tincluded\t") == len(names), table
        assert "text is withheld" in (out / layout / "crash.log").read_text()
    files = {str(file): file.read_bytes() for file in out.rglob("*") if file.is_file()}
    return {**files, "console": done.stdout + done.stderr}


def test_no_planted_name_is_in_any_output_or_log(tmp_path, project, dicom_series, voxels, cohort):
    makers = {
        "dicom": (dicom_exams, dicom_series),
        "nifti": (nifti_exams, voxels),
        "brats2015": (metaimage_exams, voxels),
    }
    written = written_by_jobs(tmp_path, project, cohort, makers)
    exams = 9 + 5 + 4
    # An image, a sidecar and a log for each exam; two tables and two logs for each cohort; the console.
    assert len(written) == 3 * exams + 4 * len(makers) + 1
    for name, data in written.items():
        content = gzip.decompress(data) if name.endswith(".gz") else data
        for secret in SECRETS:
            assert secret not in content, (name, secret)
        assert not any(secret in os.fsencode(name) for secret in SECRETS)
        if name.endswith(".gz"):
            header = nib.Nifti1Image.from_bytes(content).header
            texts = [header[field].item() for field in ("data_type", "db_name", "descrip", "aux_file", "intent_name")]
            assert texts == [b""] * 5
            assert not header.extensions


def test_the_secrets_were_planted(tmp_path, dicom_series):
    dicom_series(tmp_path / "raw")
    data = next(plant(tmp_path / "raw").iterdir()).read_bytes()
    planted = data.count(b"Zzcan")
    assert planted >= 4 * sum(map(len, TEXTS.values()))
    assert data.count(BORN.encode()) >= len(DATES) * (1 + len(SEQUENCES))
    assert pydicom.dcmread(next((tmp_path / "raw").iterdir())).file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
