"""Names planted wherever raw data can hold them appear in nothing that a job writes, also when it fails."""

import gzip
import subprocess
import sys

import nibabel as nib
import numpy as np
import SimpleITK as sitk

CANARY = "ZZCANARY"
TEXTS = ["PatientName", "SeriesDescription", "StudyDescription", "ProtocolName", "ImageComments", "InstitutionName"]

JOB = """
import sys
from gliodelta.ingest.convert import convert_exam
from gliodelta.ingest.table import list_exams
from gliodelta.logs import job_log
config, out, *cohorts = sys.argv[1:]
for name in cohorts:
    sidecars = []
    for session in "012":
        stem = f"{out}/{name}/sub-a1_ses-{session}_T2w"
        with job_log(f"{stem}.log", private=True):
            convert_exam(f"{config}/{name}.yaml", "a1", session, "", f"{stem}.nii.gz", f"{stem}.json")
        sidecars.append(f"{stem}.json")
    with job_log(f"{out}/{name}/list.log", private=True):
        list_exams(f"{config}/{name}.yaml", sidecars, f"{out}/{name}/exams.tsv")
with job_log(f"{out}/crash.log", private=True):
    raise OSError(f"no such file: /data/ZZCANARY/x")
"""


def dicom_exams(raw, dicom_series):
    """Exams that convert, that are ambiguous, and whose values do not fit their types."""
    planted = {text: f"{CANARY}^{text}" for text in TEXTS}
    for folder, number, changes in [
        ("good", 1, {}),
        ("two", 1, {}),
        ("two", 2, {}),
        ("odd", 7, {"Manufacturer": f"GE {CANARY}", "AccessionNumber": CANARY}),
    ]:
        dicom_series(raw / f"{CANARY}_{folder}", number, **planted, **changes)
    for file in (raw / f"{CANARY}_odd").iterdir():
        # Letters for a repetition time and in the UIDs: pydicom quotes faulty values in its warnings and errors.
        data = file.read_bytes().replace(b"4500", CANARY[:4].encode()).replace(b"8.498.7", CANARY[:7].encode())
        file.write_bytes(data)
    return [raw / f"{CANARY}_{name}" for name in ("good", "two", "odd")]


def nifti_exams(raw, voxels):
    image = nib.Nifti1Image(voxels, np.diag([5, 5, 5.5, 1]))
    for field in ("descrip", "aux_file", "intent_name", "db_name"):
        image.header[field] = CANARY
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", CANARY.encode()))
    good, broken, flat = (raw / f"{CANARY}{number}_T2w.nii" for number in range(3))
    nib.save(image, good)
    broken.write_bytes(good.read_bytes()[:2000])
    nib.save(nib.Nifti1Image(np.zeros((5, 5), np.uint8), np.eye(4)), flat)
    return [good, broken, flat]


def metaimage_exams(raw, voxels):
    image = sitk.GetImageFromArray(voxels.T)
    image.SetSpacing((5, 5, 5.5))
    image.SetMetaData("Comment", CANARY)
    sources = [raw / f"{CANARY}{number}" for number in range(3)]
    for source in sources:
        source.mkdir()
    sitk.WriteImage(image, str(sources[0] / f"{CANARY}.MR_T2.1.mha"))
    whole = (sources[0] / f"{CANARY}.MR_T2.1.mha").read_bytes()
    (sources[1] / f"{CANARY}.MR_T2.1.mha").write_bytes(whole[: len(whole) // 2])
    (sources[2] / f"{CANARY}.MR_T2.1.mha").write_bytes(f"ObjectType = {CANARY}\n{CANARY} = 1\n".encode())
    return sources


def test_no_planted_name_is_in_any_output_or_log(tmp_path, project, dicom_series, voxels, cohort):
    raw, config, out = tmp_path / CANARY, tmp_path / "config", tmp_path / "out"
    raw.mkdir()
    found = {
        "dicom": dicom_exams(raw, dicom_series),
        "nifti": nifti_exams(raw, voxels),
        "brats2015": metaimage_exams(raw, voxels),
    }
    for layout, sources in found.items():
        cohort(config, layout, {("a1", str(session)): at for session, at in enumerate(sources)}, name=layout)
    command = [sys.executable, "-c", JOB, config, out, *found]
    environment = {"PYTHONPATH": project / "workflow" / "src"}
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    # The planted crash ended the job, and its log keeps its text back.
    assert done.returncode == 1
    assert "its text is withheld" in (out / "crash.log").read_text()
    written = {str(file): file.read_bytes() for file in out.rglob("*") if file.is_file()}
    assert len(written) == 3 * (3 * 3 + 2) + 1
    for layout in found:
        assert (out / layout / "exams.tsv").read_text().count("included") == 1
    for name, data in {**written, "console": done.stdout + done.stderr}.items():
        content = gzip.decompress(data) if name.endswith(".gz") else data
        for secret in (CANARY[:4], "20200101"):
            assert secret.encode() not in content, name
