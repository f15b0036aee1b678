"""Two users of the cluster: exams that one has preprocessed are not preprocessed again by the jobs of the other."""

import pair
import pytest


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A folder in which users share what they preprocess."""
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(folder))
    return folder


def test_the_second_users_jobs_take_what_the_first_users_have_made(new_site, tmp_path, cache):
    raw = tmp_path / "raw"
    raw.mkdir()
    one, two = (new_site(tmp_path / name) for name in ("one", "two"))
    pair.write_exams(raw)
    for user in (one, two):
        pair.configure(user, raw)
    one.cluster("--cache", "--until", "map_difference")
    kept = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    two.cluster("--cache", "--until", "map_difference")
    assert {path: path.stat().st_mtime_ns for path in cache.iterdir()} == kept
    for user in (one, two):
        links = [path for path in (user.folder / "results").rglob("*") if path.is_symlink()]
        assert len(links) == pair.OUTPUTS and {link.resolve().parent for link in links} == {cache.resolve()}


def test_a_simulated_exam_is_converted_and_what_is_made_of_it_shared(site, tmp_path, cache):
    place = site.copy(tmp_path / "site")
    mask = min((place.folder / "results/imaging/home").rglob("*_desc-brain_mask.nii.gz"))
    (exam,) = (place.folder / "results/ingest/home").rglob(mask.name.replace("desc-brain_mask", "T2w"))
    for file in (exam, mask):
        file.unlink()
    place.cluster("--cache", "--", str(mask.relative_to(place.folder)))
    assert exam.is_file() and not exam.is_symlink()
    assert mask.resolve().parent == cache.resolve()
