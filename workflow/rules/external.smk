localrules:
    score_external,


rule predict_external:
    input:
        models=every_split("<results>/transfer/{arm}/<split>/model.safetensors"),
        lineages=every_split("<results>/transfer/{arm}/<split>/lineage.json"),
        manifests=every_split("<results>/manifests/<split>/lineage.json"),
        maps="<results>/imaging/{cohort}/maps.tsv",
        caches=every_grid_of_arm("<results>/imaging/{cohort}/grid-{grid}.safetensors"),
    output:
        members="<results>/external/{cohort}/{arm}/members.tsv",
    log:
        "<logs>/external/predict_external/{cohort}/{arm}.log",
    benchmark:
        "<benchmarks>/external/predict_external/{cohort}/{arm}.tsv"
    conda:
        "../../envs/training.yaml"
    threads: 1
    resources:
        gpu=1,
    params:
        code=code_of_arm("gliodelta.external.predict"),
        grids=arm_grids,
        role=cohort_value("role"),
    script:
        "../../scripts/predict_external.py"


rule score_external:
    input:
        members=rules.predict_external.output.members,
        maps="<results>/imaging/{cohort}/maps.tsv",
        labels=cohort_sheet("labels"),
    output:
        predictions="<results>/external/{cohort}/{arm}/predictions.tsv",
        ensembles="<results>/external/{cohort}/{arm}/ensembles.tsv",
        scores=shown("<results>/external/{cohort}/{arm}/scores.tsv", what="ensembles side by side"),
        figure=shown(
            "<results>/external/{cohort}/{arm}/predictions.png", caption="scores", what="probabilities by label"
        ),
    log:
        "<logs>/external/score_external/{cohort}/{arm}.log",
    benchmark:
        "<benchmarks>/external/score_external/{cohort}/{arm}.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        code=code_of("gliodelta.external.score"),
        role=cohort_value("role"),
        settings={name: setting("evaluation", name) for name in ("bootstraps", "seed")},
    script:
        "../../scripts/score_external.py"
