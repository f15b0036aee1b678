"""A hospital's raw data as hospitals have them: names in folders, files, headers and reports.

Simulated exams and reports, renamed to people who do not exist. Every word in `CANARIES` is planted somewhere and
must never be seen again.
"""

import csv
import datetime
import shutil
from pathlib import Path

import pydicom

from gliodelta import sheets

CANARIES = {
    "folder": "Foldervaux",
    "file": "Filebrand",
    "PatientName": "Namelier",
    "PatientID": "IPPQX77",
    "PatientBirthDate": "19071231",
    "StudyDescription": "Studyvine",
    "SeriesDescription": "Serieslock",
    "ProtocolName": "Protofane",
    "ImageComments": "Commentrude",
    "InstitutionName": "Institrow",
    "AccessionNumber": "Accessix",
    "private": "Privatix",
    "report": "Reportaud",
    "report file": "Letterhead",
    "birth date in the report": "31.12.1907",
}


def admit(cohort_file, simulated, raw):
    """Turns a simulated cohort into a hospital's folder and its lists.

    Args:
        cohort_file: YAML of the simulated cohort.
        simulated: folder that holds its subjects' simulated folders.
        raw: folder to make.

    Returns:
        dict of list name (labels, reports) to CSV file, as `draft` takes them.
    """
    cohort = sheets.read_cohort(str(cohort_file))
    dates = {}
    for number, row in enumerate(cohort["exams"]):
        folder = raw / f"{CANARIES['folder']}_{row['subject']}" / f"visit {number}"
        dates[row["subject"], row["session"]] = _copy_exam(simulated / row["source"], folder, row["subject"])
    return {"labels": _labels(cohort, dates, raw), "reports": _reports(cohort, dates, simulated, raw)}


def _copy_exam(source, folder, subject):
    folder.mkdir(parents=True)
    for number, file in enumerate(sorted(path for path in source.rglob("*") if path.is_file())):
        dicom = pydicom.dcmread(file)
        for keyword in ("PatientBirthDate", "StudyDescription", "ProtocolName", "ImageComments", "InstitutionName"):
            setattr(dicom, keyword, CANARIES[keyword])
        dicom.PatientName = f"{CANARIES['PatientName']}^Odette"
        dicom.PatientID = _person(subject)
        dicom.SeriesDescription = f"{dicom.get('SeriesDescription', '')} {CANARIES['SeriesDescription']}"
        dicom.AccessionNumber = CANARIES["AccessionNumber"]
        dicom.private_block(0x0099, "GLIODELTA TEST", create=True).add_new(0x01, "LO", CANARIES["private"])
        dicom.save_as(folder / f"{CANARIES['file']} {number}.dcm")
    return datetime.datetime.strptime(dicom.StudyDate, "%Y%m%d").date()


def _person(subject):
    return f"{CANARIES['PatientID']}{subject.upper()}"


def _labels(cohort, dates, raw):
    rows = [
        {
            "patient": _person(row["subject"]),
            "prior_date": dates[row["subject"], row["prior"]].isoformat(),
            "current_date": dates[row["subject"], row["current"]].isoformat(),
            "reader": row["reader"],
            "label": row["label"],
        }
        for row in cohort["labels"]
    ]
    return _write(raw.parent / "labels.csv", rows)


def _reports(cohort, dates, simulated, raw):
    rows = []
    for row in cohort["reports"]:
        text = (simulated / row["file"]).read_text(encoding="utf-8")
        file = raw / f"{CANARIES['report file']} {row['subject']} {row['session']}.txt"
        born = CANARIES["birth date in the report"]
        file.write_text(f"Dr {CANARIES['report']} Jeanne, né(e) le {born}\n{text}", encoding="utf-8")
        date = dates[row["subject"], row["session"]].isoformat()
        rows.append({"patient": _person(row["subject"]), "date": date, "file": str(file)})
    return _write(raw.parent / "reports.csv", rows)


def _write(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def make_unreadable(folder):
    """Cuts every file of an exam to its first 200 bytes."""
    for file in Path(folder).rglob("*.dcm"):
        file.write_bytes(file.read_bytes()[:200])


def make_missing(folder):
    """Deletes an exam."""
    shutil.rmtree(folder)


def make_ambiguous(folder):
    """Gives an exam a second copy of each of its series, under other series numbers."""
    copies = {}
    for file in sorted(Path(folder).rglob("*.dcm")):
        dicom = pydicom.dcmread(file)
        dicom.SeriesInstanceUID = copies.setdefault(dicom.SeriesInstanceUID, pydicom.uid.generate_uid())
        dicom.SOPInstanceUID = pydicom.uid.generate_uid()
        dicom.file_meta.MediaStorageSOPInstanceUID = dicom.SOPInstanceUID
        dicom.save_as(file.with_name(f"copy {file.name}"))
