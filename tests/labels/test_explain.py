"""What ``python -m gliodelta.labels explain`` shows."""

import subprocess

import pytest

from gliodelta.labels.__main__ import main

REPORT = """IRM du 14.05.2019
Indication : gliome, progression ?
Comparaison : IRM du 12.02.2019
Description : Hypersignal T2 plus étendu, sans progression de la prise de contraste.
Conclusion : Probable progression. En cas de progression, une biopsie est proposée.
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "report.txt"
    path.write_text(REPORT, encoding="utf-8")
    return path


def test_sentences_rules_dates_and_the_vote_are_shown(file, capsys):
    assert main(["explain", str(file), "--prior-dates", "2018-11-10", "2019-02-12"]) == 0
    shown = capsys.readouterr().out
    assert "[description] Hypersignal T2 plus étendu" in shown
    assert "exam: 2019-05-14" in shown and "compared with: 2019-02-12" in shown
    for section in ("header", "indication", "comparison", "conclusion"):
        assert f"[{section}]" in shown
    for rule in ("fr-t2", "fr-more", "fr-t1c", "fr-not", "fr-probable", "fr-hypothetical"):
        assert rule in shown
    for modifier in ("negated", "probable", "hypothetical"):
        assert modifier in shown
    assert "=> progression of t2, certain, counted as description" in shown
    assert "=> stable of t1c" in shown
    assert shown.strip().endswith("vote: progression (decided by t2 in the description)")


def test_without_the_exam_compared_with_the_label_is_unknown(file, capsys):
    assert main(["explain", str(file), "--exam-date", "2019-05-14"]) == 0
    shown = capsys.readouterr().out
    assert "compared with: nothing usable; the date that the report compares with is no known exam" in shown
    assert "vote: unknown, without a comparison" in shown


def test_faults_are_told_and_fail(tmp_path, file, capsys):
    empty = tmp_path / "empty.txt"
    empty.touch()
    assert main(["explain", str(empty)]) == 1
    assert "the report is empty" in capsys.readouterr().err
    assert main(["explain", str(tmp_path / "none.txt")]) == 1
    assert "No such file" in capsys.readouterr().err
    assert main(["explain", str(file), "--language", "en"]) == 1
    assert "do not list" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["explain", str(file), "--exam-date", "14.05.2019"])
    assert "yyyy-mm-dd" in capsys.readouterr().err


def test_no_workflow_shows_a_report(pytestconfig):
    used = [
        "git",
        "grep",
        "-lE",
        r"labels\.explain|gliodelta\.labels explain",
        "--",
        "scripts",
        "workflow/rules",
        "Snakefile",
    ]
    found = subprocess.run(used, cwd=pytestconfig.rootpath, capture_output=True, text=True, check=False)
    assert found.stdout == "" and found.returncode == 1
