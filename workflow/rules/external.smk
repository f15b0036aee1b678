rule predict_external:
    input:
        models=every_split("<results>/transfer/{arm}/<split>/model.safetensors"),
        lineages=every_split("<results>/transfer/{arm}/<split>/lineage.json"),
        manifests=every_split("<results>/manifests/<split>/lineage.json"),
        maps="<results>/imaging/{cohort}/maps.tsv",
        labels=cohort_sheet("labels"),
        caches=every_grid_of_arm("<results>/imaging/{cohort}/grid-{grid}.safetensors"),
    output:
        predictions="<results>/external/{cohort}/{arm}/predictions.tsv",
        members="<results>/external/{cohort}/{arm}/members.tsv",
        ensembles="<results>/external/{cohort}/{arm}/ensembles.tsv",
        scores=report(
            "<results>/external/{cohort}/{arm}/scores.tsv",
            caption="../report/predict_external.rst",
            category="external",
            labels={"cohort": "{cohort}", "arm": "{arm}", "what": "ensembles side by side"},
        ),
        figure=report(
            "<results>/external/{cohort}/{arm}/predictions.png",
            caption="../report/predict_external.rst",
            category="external",
            labels={"cohort": "{cohort}", "arm": "{arm}", "what": "probabilities by label"},
        ),
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
        settings={name: setting("evaluation", name) for name in ("bootstraps", "seed")},
    script:
        "../../scripts/predict_external.py"
