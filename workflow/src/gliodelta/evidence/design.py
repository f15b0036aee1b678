"""What the section `evidence` of the configuration asks for. Read at every start of Snakemake, so kept light."""

from gliodelta.schema import InvalidInput, validate

# The population on which all models are tested; the others are the replicates, by number.
TEST = "test"


def population_settings(evidence, population):
    """Returns the settings of a population's simulation (schema `simulation`, complete).

    Args:
        evidence: section `evidence` of the configuration.
        population: number of a replicate (text), or `TEST`.
    """
    settings = validate(evidence["simulation"], "simulation", "configuration, evidence: simulation")
    test = population == TEST
    # Subjects of two populations never have the same id, by which the leakage guard works.
    prefix, number = ("t", 0) if test else (f"r{population}p", int(population))
    patients = evidence["test_patients"] if test else evidence["patients"]
    return {**settings, "seed": evidence["seed"] + number, "prefix": prefix, "patients": patients}


def noise_levels(evidence, arm):
    """Returns the levels of noise at which an arm (row of arms.tsv) is trained: one for an arm without weak labels."""
    return evidence["noise"] if arm.get("recipes") else evidence["noise"][:1]


def check_design(config, arms, recipes):
    """Checks what the schemas cannot: that the study, if there is one, is complete and compares like with like.

    Args:
        config: the whole configuration.
        arms, recipes: dicts of name to row of arms.tsv and recipes.tsv.

    Raises:
        InvalidInput: with what to write instead.
    """
    evidence = config["evidence"]
    if not evidence["replicates"]:
        return
    place = "configuration, evidence"
    validate(evidence["simulation"], "simulation", f"{place}: simulation")
    if evidence["baseline"] not in arms or arms[evidence["baseline"]].get("recipes"):
        without = [name for name, row in arms.items() if not row.get("recipes")]
        raise InvalidInput(
            f"{place}: baseline: {evidence['baseline']!r} is no arm without recipes; write one of {', '.join(without)}"
        )
    grids = sorted({row["grid"] for row in (*arms.values(), *recipes.values())})
    if len(grids) > 1:
        raise InvalidInput(
            f"{place}: the arms and recipes have the grids {', '.join(grids)}; maps are made on one grid only: write "
            f"one in {config['arms']} and {config['recipes']}"
        )
    if not config["tuning"]["budget"]:
        raise InvalidInput(f"{place}: tuning: budget is 0; write how many trainings every arm has, the same for all")
