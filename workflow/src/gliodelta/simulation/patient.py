"""One simulated patient: raw data as a hospital would hold them, and beside them the truth."""

import shutil
from pathlib import Path

import numpy as np

from gliodelta import io
from gliodelta.simulation import brats, dicom
from gliodelta.simulation.acquisition import acquire, draw_scan, truth_masks, visit
from gliodelta.simulation.anatomy import COARSE_MM, HIGH, LOW, make_head
from gliodelta.simulation.geometry import box
from gliodelta.simulation.growth import grow, ventricle_drift
from gliodelta.simulation.plan import find_patient, read_settings
from gliodelta.simulation.reports import write_report
from gliodelta.simulation.seeds import stream

LAYOUTS = {"dicom": dicom, "brats2015": brats}


def simulate_patient(cohort_file, subject, folder):
    """Makes the raw data of one patient.

    Writes the exams in the cohort's layout, the reports as ``ses-{session}/report.txt``, and into ``truth/`` for each
    exam the masks of brain and tumour on the grid of its T2 series, its pose (4x4, patient's world to scanner's world,
    mm; so the true map from current to prior is ``pose_prior @ inv(pose_current)``) and a view for people; and
    ``truth.json``.

    Args:
        cohort_file: YAML of the cohort, with the key `simulation` and the layout `dicom` or `brats2015`.
        subject: id of the patient.
        folder: what to write; deleted first when it exists.

    Raises:
        gliodelta.schema.InvalidInput: the settings are wrong, or make no such patient.
    """
    settings = read_settings(cohort_file)
    patient, layout = find_patient(settings, subject), LAYOUTS[io.read_yaml(cohort_file)["layout"]]
    folder = Path(folder)
    if folder.exists():
        shutil.rmtree(folder)
    head = make_head(settings, subject)
    tumour, coarse = grow(settings, patient, head), box(LOW, HIGH, COARSE_MM)
    drift = ventricle_drift(head, coarse) * settings["drift_mm"]
    pairs = {f"{pair.prior}to{pair.current}": pair.truth for pair in patient.pairs}
    truth = {"exams": {}, "pairs": pairs, "reports": {}}
    for exam in patient.exams:
        scene = visit(head, tumour, exam.volume_ml, drift * (int(exam.session) / 365), coarse)
        scan = draw_scan(settings, subject, exam.session, layout.AXES)
        draw = stream(settings["seed"], subject, exam.session, "noise")
        image = acquire(scene, scene.signal("T2"), scan, draw, settings["bias"], settings["noise"])
        masks = truth_masks(scene, scan)
        image = image * masks["brain"] if layout.STRIPPED else image
        layout.write_exam(settings, patient, exam, scene, scan, image, folder / layout.exam_folder(patient, exam))
        truth["exams"][exam.session] = {"volume_ml": round(float(masks["tumour"].sum()) * scan.grid.voxel_ml, 3)}
        _write_truth(masks, scan, image, folder / "truth" / f"exam-{exam.session}")
    for report in patient.reports:
        write_report(settings, patient, report, folder / f"ses-{report.current}" / "report.txt")
        truth["reports"][report.current] = {"stated": report.stated, "misleading": report.stated != report.truth}
    io.write_json(truth, folder / "truth" / "truth.json")


def _write_truth(masks, scan, image, stem):
    """Writes masks, pose and view of an exam."""
    for name, mask in masks.items():
        io.write_image(mask, scan.grid.affine, f"{stem}_{name}.nii.gz")
    io.write_text("\n".join(" ".join(f"{value:.9f}" for value in row) for row in scan.pose) + "\n", f"{stem}_pose.mat")
    _write_view(image, masks["tumour"], scan.grid, f"{stem}_view.png")


def _write_view(image, tumour, grid, path):
    """Writes the slice with the most tumour, outlined in yellow; front up, and the patient's left on the right."""
    from PIL import Image
    from scipy import ndimage

    index = int(tumour.sum((0, 1)).argmax())
    mask, grey = tumour[:, :, index], image[:, :, index]
    shades = np.clip(grey / np.percentile(grey, 99.5) * 255, 0, 255).astype(np.uint8)
    colours = np.repeat(shades[..., None], 3, axis=-1)
    colours[ndimage.binary_dilation(mask) & ~mask] = (255, 220, 0)
    # The first axis runs to the left; where the second runs to the front, the picture is turned over.
    colours = colours[:, ::-1] if grid.affine[1, 1] > 0 else colours
    with io.atomic(path) as temporary:
        Image.fromarray(np.ascontiguousarray(np.swapaxes(colours, 0, 1))).save(temporary)
