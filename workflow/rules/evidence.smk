# The population study; `all` of config/study.yaml asks for it.
wildcard_constraints:
    population="test|[0-9]+",
    replicate="[0-9]+",
    noise="[0-9]+",


rule simulate_population:
    output:
        cache="<results>/evidence/population-{population}/maps.safetensors",
        maps="<results>/evidence/population-{population}/maps.tsv",
    log:
        "<logs>/evidence/simulate_population/{population}.log",
    benchmark:
        "<benchmarks>/evidence/simulate_population/{population}.tsv"
    conda:
        "../../envs/imaging.yaml"
    params:
        code=code_of("gliodelta.evidence.population"),
        settings=population_settings,
        registration_mm=setting("evidence", "registration_mm"),
        grid=evidence_grid,
    script:
        "../../scripts/simulate_population.py"


rule draw_lists:
    input:
        maps="<results>/evidence/population-{replicate}/maps.tsv",
        test="<results>/evidence/population-test/maps.tsv",
    output:
        lists=directory("<results>/evidence/replicate-{replicate}/noise-{noise}/lists"),
    log:
        "<logs>/evidence/draw_lists/replicate-{replicate}/noise-{noise}.log",
    benchmark:
        "<benchmarks>/evidence/draw_lists/replicate-{replicate}/noise-{noise}.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        code=code_of("gliodelta.evidence.lists"),
        labels=setting("evidence", "labels"),
        validation=setting("splits", "validation"),
        seed=setting("evidence", "seed"),
    script:
        "../../scripts/draw_lists.py"


rule pretrain_replicate:
    input:
        lists=rules.draw_lists.output.lists,
        cache="<results>/evidence/population-{replicate}/maps.safetensors",
    output:
        encoder="<results>/evidence/replicate-{replicate}/noise-{noise}/recipes/{recipe}/encoder.safetensors",
        history="<results>/evidence/replicate-{replicate}/noise-{noise}/recipes/{recipe}/history.tsv",
        lineage="<results>/evidence/replicate-{replicate}/noise-{noise}/recipes/{recipe}/lineage.json",
    log:
        "<logs>/evidence/pretrain_replicate/replicate-{replicate}/noise-{noise}/{recipe}.log",
    benchmark:
        "<benchmarks>/evidence/pretrain_replicate/replicate-{replicate}/noise-{noise}/{recipe}.tsv"
    conda:
        "../../envs/training.yaml"
    params:
        code=code_of_recipe("gliodelta.evidence.pretraining"),
        labels=setting("evidence", "labels"),
        recipe=recipe_row,
        training=recipe_training,
        scratch=scratch,
        deadline=deadline,
    script:
        "../../scripts/pretrain_replicate.py"


rule run_trials:
    input:
        lists=rules.draw_lists.output.lists,
        cache=rules.pretrain_replicate.input.cache,
        encoders=recipes_of_arm(
            "<results>/evidence/replicate-{replicate}/noise-{noise}/recipes/{recipe}/encoder.safetensors"
        ),
        encoder_lineages=recipes_of_arm(
            "<results>/evidence/replicate-{replicate}/noise-{noise}/recipes/{recipe}/lineage.json"
        ),
        test="<results>/evidence/population-test/maps.tsv",
        test_cache="<results>/evidence/population-test/maps.safetensors",
    output:
        trials="<results>/evidence/replicate-{replicate}/noise-{noise}/arms/{arm}.tsv",
    log:
        "<logs>/evidence/run_trials/replicate-{replicate}/noise-{noise}/{arm}.log",
    benchmark:
        "<benchmarks>/evidence/run_trials/replicate-{replicate}/noise-{noise}/{arm}.tsv"
    conda:
        "../../envs/training.yaml"
    params:
        code=code_of_arm("gliodelta.evidence.trials"),
        labels=setting("evidence", "labels"),
        arm=arm_row,
        recipes=arm_recipes,
        training=arm_training,
        budget=setting("tuning", "budget"),
        seed=setting("tuning", "seed"),
        scratch=scratch,
        deadline=deadline,
    script:
        "../../scripts/run_trials.py"


rule summarise_evidence:
    input:
        trials=every_trial("<results>/evidence/replicate-{replicate}/noise-{noise}/arms/{arm}.tsv"),
        test="<results>/evidence/population-test/maps.tsv",
    output:
        table=shown("<results>/evidence/table.tsv", show="table"),
        figure=shown("<results>/evidence/figure.png", "table", show="figure"),
    log:
        "<logs>/evidence/summarise_evidence.log",
    benchmark:
        "<benchmarks>/evidence/summarise_evidence.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        code=code_of("gliodelta.evidence.summary"),
        baseline=setting("evidence", "baseline"),
    script:
        "../../scripts/summarise_evidence.py"
