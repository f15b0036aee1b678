"""Sheets: what is wrong is said with file, line and what to write."""

import re

import pytest

from gliodelta.schema import InvalidInput
from gliodelta.sheets import day_of_session, read_cohort, read_sheet, source_path

EXAMS = "subject\tsession\tsource\n1\t0\ta/b\n1\t90\ta/c\n10\t0\td\n"


@pytest.fixture
def cohort(tmp_path):
    """Writes a cohort; keyword arguments replace its sheets."""

    def write(yaml="role: inference\nlayout: nifti\nroot: raw\n", **sheets):
        folder = tmp_path / "c"
        folder.mkdir(exist_ok=True)
        for kind, text in {"exams": EXAMS, "pairs": "subject\tprior\tcurrent\n1\t0\t90\n", **sheets}.items():
            (folder / f"{kind}.tsv").write_text(text)
        (tmp_path / "c.yaml").write_text(yaml)
        return tmp_path / "c.yaml"

    return write


def test_a_cohort_is_its_yaml_and_sheets(cohort):
    found = read_cohort(cohort())
    assert found["name"] == "c" and found["skull_stripped"] is False
    assert [row["session"] for row in found["exams"]] == ["0", "90", "0"]
    assert found["labels"] == []


def test_a_subject_that_begins_like_another_is_another(cohort):
    file = cohort()
    assert str(source_path(file, "1", "0")) == "raw/a/b"
    assert str(source_path(file, "10", "0")) == "raw/d"


def test_raw_paths_can_stay_in_a_link_table(cohort, tmp_path):
    (tmp_path / "links.tsv").write_text("subject\tsession\tsource\n1\t0\t/raw/one\n")
    file = cohort(yaml=f"role: inference\nlayout: nifti\nlinks: {tmp_path}/links.tsv\n")
    assert str(source_path(file, "1", "0")) == "/raw/one"


@pytest.mark.parametrize(
    ("sheets", "message"),
    [
        (
            {"pairs": "subject\tprior\tcurrent\n1\t0\t91\n"},
            r"pairs.tsv line 2, column current: the subject has no such session",
        ),
        ({"exams": EXAMS + "1\t90\tx\n"}, r"exams.tsv line 5: the same subject, session as line 3"),
        ({"exams": EXAMS + "a-b\t90\tx\n"}, r"exams.tsv line 5: subject must match pattern"),
        ({"exams": "subject\tsesion\n1\t0\n"}, r"exams.tsv line 2: unknown key 'sesion'.*write 'session'"),
        ({"exams": "subject\tsession\n1 0\n"}, r"exams.tsv line 2: the row has another number of cells"),
        ({"labels": "subject\tprior\tcurrent\treader\tlabel\n1\t0\t90\tr\tbigger\n"}, r"label must be one of"),
        (
            {"labels": "subject\tprior\tcurrent\treader\tlabel\n1\t0\t90\tr\tstable\n1\t90\t0\tr\tstable\n"},
            r"labels.tsv line 3: the subject has no such pair in pairs.tsv; add the pair or delete the row",
        ),
        ({"exams": EXAMS + "2\t20231340\t\n"}, r"exams.tsv line 5, column session: neither a day nor a date; write"),
        ({"exams": EXAMS + "2\t2023134\t\n"}, r"exams.tsv line 5, column session: neither a day nor a date; write"),
        ({"events": "subject\tsession\tevent\n1\t20230101\tsurgery\n"}, r"events.tsv line 2.*both days and dates"),
    ],
)
def test_what_is_wrong_is_said(cohort, sheets, message):
    with pytest.raises(InvalidInput, match=message):
        read_cohort(cohort(**sheets))


@pytest.mark.parametrize(
    "sheets",
    [
        {"exams": EXAMS + "Jean DUPONT\t1\t\n"},
        {"exams": EXAMS + "x\tDUPONT\t\n"},
        {"exams": EXAMS + "DUPONT\t20231340\t\n"},
        {"exams": EXAMS + "DUPONT\t1\t\nDUPONT\t20230101\t\n"},
        {"exams": "DUPONT\t0\n1\t90\n"},
        {"exams": "jean.dupont@mail.ch\t0\n1\t90\n"},
        {"pairs": "subject\tprior\tcurrent\nDUPONT\t0\t1\n"},
    ],
)
def test_no_cell_of_a_sheet_is_repeated(cohort, sheets):
    with pytest.raises(InvalidInput) as error:
        read_cohort(cohort(**sheets))
    assert not re.search("dupont|20231340", str(error.value), re.IGNORECASE)


@pytest.mark.parametrize(
    ("encoding", "found"),
    [("cp1252", r'Windows-1252 or Latin-1 \("ANSI"\), from line 3 on'), ("utf-16", "UTF-16"), ("utf-16-be", "UTF-16")],
)
def test_a_sheet_that_is_not_utf8_is_said_and_how_to_save_it(cohort, tmp_path, encoding, found):
    file = cohort()
    (tmp_path / "c" / "events.tsv").write_bytes(
        "subject\tsession\tevent\n1\t0\tsurgery\nZoé\t0\tsurgery\n".encode(encoding)
    )
    with pytest.raises(InvalidInput, match=rf"events.tsv: no UTF-8 text; it looks like {found}.*CSV UTF-8") as error:
        read_cohort(file)
    assert "Zo" not in str(error.value)


def test_a_workbook_is_no_sheet(cohort, tmp_path):
    file = cohort()
    (tmp_path / "c" / "events.tsv").write_bytes(b"PK\x03\x04" + bytes(range(256)))
    with pytest.raises(InvalidInput, match=r"events.tsv: .*it looks like a workbook"):
        read_cohort(file)


@pytest.mark.parametrize(
    ("session", "day"),
    [("0", 0), ("0090", 90), ("00000010", 10), ("-003", -3), ("-0000100", -100), ("20230101", 738521)],
)
def test_a_session_is_a_number_of_days_or_a_date(session, day):
    assert day_of_session(session) == day


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("role: inference\nlayuot: nifti\n", "lacks layout|unknown key 'layuot'"),
        ("role: training\nlayout: nifti\n", "role must be one of"),
    ],
)
def test_a_misspelt_yaml_is_said(cohort, yaml, message):
    with pytest.raises(InvalidInput, match=message):
        read_cohort(cohort(yaml=yaml))


def test_the_missing_cohort_is_named(tmp_path):
    with pytest.raises(InvalidInput, match="no such cohort"):
        read_cohort(tmp_path / "nowhere.yaml")


def test_a_byte_order_mark_from_a_spreadsheet_is_read(tmp_path):
    (tmp_path / "e.tsv").write_text("\ufeff" + EXAMS, encoding="utf-8")
    assert len(read_sheet(tmp_path / "e.tsv", "exams")) == 3
