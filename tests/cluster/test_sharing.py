"""Two users of the cluster: exams that one has preprocessed are not preprocessed again by the jobs of the other."""

import shutil

MAPS = "results/imaging/away/maps.tsv"


def test_the_second_users_jobs_take_what_the_first_users_have_made(site, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(cache))
    one, two = (site.copy(tmp_path / name) for name in ("one", "two"))
    for user in (one, two):
        for stage in ("ingest", "imaging"):
            shutil.rmtree(user.folder / "results" / stage / "away")
    one.cluster("--cache", "--", MAPS)
    kept = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    two.cluster("--cache", "--", MAPS)
    assert {path: path.stat().st_mtime_ns for path in cache.iterdir()} == kept
    maps = [path.resolve() for path in (two.folder / MAPS).parent.rglob("*_diff.nii.gz")]
    assert maps and {path.parent for path in maps} == {cache.resolve()}
    assert two.rows(MAPS) == one.rows(MAPS) == site.rows(MAPS)
