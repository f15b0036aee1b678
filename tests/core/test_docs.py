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


def keys_without_values(node):
    if isinstance(node, dict):
        return [key for key, value in node.items() if value is None] + keys_without_values(list(node.values()))
    return [key for part in node for key in keys_without_values(part)] if isinstance(node, list) else []


def test_no_comma_cuts_a_description_short(project):
    # In YAML's braces what follows the comma of an unquoted text is another key.
    for file in sorted((project / "workflow" / "schemas").glob("*.yaml")):
        assert keys_without_values(io.read_yaml(file)) == [], file.name
