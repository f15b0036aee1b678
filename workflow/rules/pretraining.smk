rule pretrain_encoder:
    input:
        weak="<results>/manifests/<split>/weak.tsv",
        lineage="<results>/manifests/<split>/lineage.json",
        folds="<results>/splits/folds.tsv",
        cache=of_recipe("<results>/imaging/{cohort}/grid-{grid}.safetensors"),
    output:
        encoder="<results>/pretraining/{recipe}/<split>/encoder.safetensors",
        history=shown("<results>/pretraining/{recipe}/<split>/history.tsv"),
        lineage="<results>/pretraining/{recipe}/<split>/lineage.json",
    log:
        "<logs>/pretraining/pretrain_encoder/{recipe}/<split>.log",
    benchmark:
        "<benchmarks>/pretraining/pretrain_encoder/{recipe}/<split>.tsv"
    conda:
        "../../envs/training.yaml"
    threads: setting("training", "pretraining_devices")
    resources:
        gpu=setting("training", "pretraining_devices"),
    params:
        code=code_of_recipe("gliodelta.pretraining.pretrain"),
        recipe=recipe_row,
        training=recipe_training,
        scratch=scratch,
        deadline=deadline,
        tracking=tracking,
    script:
        "../../scripts/pretrain_encoder.py"
