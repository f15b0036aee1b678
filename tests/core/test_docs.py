"""What the documentation says agrees with what the code and the lock say."""

from gliodelta import docs, io


def test_the_configuration_page_is_in_step_with_the_schemas(project):
    page = (project / "config" / "README.md").read_text(encoding="utf-8")
    assert page == docs.config_page(), "run `make docs`"


def test_conda_environments_agree_with_the_lock(project):
    lock = set((project / "envs" / "requirements.lock.txt").read_text().split())
    for file in sorted((project / "envs").glob("*.yaml")):
        packages = io.read_yaml(file)["dependencies"][-1]["pip"]
        assert packages and set(packages) <= lock, file.name


def test_no_file_holds_a_registry_address(project):
    for file in (project / "envs").iterdir():
        assert "://" not in file.read_text(encoding="utf-8"), file.name
