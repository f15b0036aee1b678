"""No job of this stage can see an outer test list."""


def test_no_tuning_rule_takes_a_test_list(project):
    rules = (project / "workflow/rules/tuning.smk").read_text()
    assert "manifests/<split>/validation.tsv" in rules
    assert "test.tsv" not in rules and 'manifests/<split>"' not in rules
