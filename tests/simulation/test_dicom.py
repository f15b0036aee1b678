"""The DICOM files are valid, and dcm2niix makes of them what was simulated."""

import collections
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest

from gliodelta import io


def headers(clinical, exam):
    folder = clinical.folder / f"ses-{exam.session}" / "dicom"
    return [pydicom.dcmread(path) for path in sorted(folder.rglob("*.dcm"))]


def series(clinical, exam):
    found = collections.defaultdict(list)
    for header in headers(clinical, exam):
        found[header.SeriesInstanceUID].append(header)
    return list(found.values())


def test_dcm2niix_gives_back_voxels_and_place(clinical, tmp_path):
    tool = Path(sys.executable).with_name("dcm2niix")
    syntaxes = set()
    for exam in clinical.plan.exams:
        target = tmp_path / exam.session
        target.mkdir()
        source = clinical.folder / f"ses-{exam.session}" / "dicom"
        subprocess.run([tool, "-z", "n", "-f", "%s_%d", "-o", target, source], check=True, capture_output=True)
        t2 = next(
            group for group in series(clinical, exam) if group[0].EchoTime > 80 and "InversionTime" not in group[0]
        )
        image = io.read_image(next(target.glob(f"{t2[0].SeriesNumber}_*.nii")))
        truth = io.read_image(clinical.folder / "truth" / f"exam-{exam.session}_brain.nii.gz")
        assert image.shape == truth.shape
        assert np.allclose(image.affine, truth.affine, atol=1e-3)
        stack = np.stack([header.pixel_array.T[:, ::-1] for header in t2], axis=-1)
        assert np.array_equal(np.asarray(image.dataobj), stack)
        # The patient lies where the truth says: brain is brighter than air.
        inside = np.asarray(truth.dataobj) > 0
        assert np.median(stack[inside]) > 3 * np.median(stack[~inside])
        syntaxes.add(t2[0].file_meta.TransferSyntaxUID)
    assert syntaxes == {pydicom.uid.ExplicitVRLittleEndian, pydicom.uid.JPEGLSLossless}


def test_identifiers_are_valid_unique_and_below_a_uuid(clinical):
    found = [header for exam in clinical.plan.exams for header in headers(clinical, exam)]
    instances = [header.SOPInstanceUID for header in found]
    assert len(set(instances)) == len(instances)
    assert len({header.StudyInstanceUID for header in found}) == len(clinical.plan.exams)
    for uid in instances:
        assert uid.is_valid and uid.startswith("2.25.") and int(uid[5:]) < 2**128


def test_dates_and_names_are_those_of_the_plan(clinical):
    for exam in clinical.plan.exams:
        for header in headers(clinical, exam):
            assert header.StudyDate == header.AcquisitionDate == f"{exam.date:%Y%m%d}"
            assert header.PatientName == "SIMULATED^S01"


def test_physics_tells_the_series_apart_and_names_do_not_need_to(clinical):
    for exam in clinical.plan.exams:
        groups = {group[0].SeriesNumber: group for group in series(clinical, exam)}
        assert len(groups) == 4
        kinds = [("InversionTime" in group[0], group[0].EchoTime > 80, len(group)) for group in groups.values()]
        # One localiser of three planes, one T2, one FLAIR (inverted), one T1.
        assert [kind for kind in kinds if kind[2] == 3] == [(False, False, 3)]
        assert sorted(kind[:2] for kind in kinds if kind[2] > 3) == [(False, False), (False, True), (True, True)]
        most = max(kinds, key=lambda kind: kind[2])
        assert most[:2] == (False, True)


def test_slices_are_as_far_apart_as_they_say(clinical):
    group = max(series(clinical, clinical.plan.exams[0]), key=len)
    places = np.array([header.ImagePositionPatient for header in group], float)
    assert np.linalg.norm(np.diff(places, axis=0), axis=1) == pytest.approx(
        float(group[0].SpacingBetweenSlices), abs=1e-4
    )
