localrules:
    split_patients,


rule split_patients:
    input:
        labels=sheet("labels"),
    output:
        folds="<results>/splits/folds.tsv",
        balance=shown("<results>/splits/balance.tsv", table="patients and pairs in each part"),
    log:
        "<logs>/splits/split_patients.log",
    benchmark:
        "<benchmarks>/splits/split_patients.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        code=code_of("gliodelta.splits"),
        settings=setting("splits"),
    script:
        "../../scripts/split_patients.py"
