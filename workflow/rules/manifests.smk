localrules:
    build_manifest,
    count_pairs,


rule build_manifest:
    input:
        folds="<results>/splits/folds.tsv",
        labels=sheet("labels"),
        weak=of_development("<results>/labels/{cohort}/repeat-{repeat}/fold-{fold}/weak.tsv"),
        maps=of_development("<results>/imaging/{cohort}/maps.tsv"),
        noise=noise_of_development("<results>/labels/{cohort}/repeat-{repeat}/fold-{fold}/noise.tsv"),
    output:
        train="<results>/manifests/<split>/train.tsv",
        validation="<results>/manifests/<split>/validation.tsv",
        test="<results>/manifests/<split>/test.tsv",
        weak="<results>/manifests/<split>/weak.tsv",
        lineage="<results>/manifests/<split>/lineage.json",
    log:
        "<logs>/manifests/build_manifest/<split>.log",
    benchmark:
        "<benchmarks>/manifests/build_manifest/<split>.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        code=code_of("gliodelta.manifests"),
    script:
        "../../scripts/build_manifest.py"


rule count_pairs:
    input:
        lineages=every_split("<results>/manifests/<split>/lineage.json"),
    output:
        table=shown("<results>/manifests/counts.tsv", table="what each model may see"),
    log:
        "<logs>/manifests/count_pairs.log",
    benchmark:
        "<benchmarks>/manifests/count_pairs.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        code=code_of("gliodelta.manifests"),
    script:
        "../../scripts/count_pairs.py"
