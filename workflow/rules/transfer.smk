localrules:
    sync_tracking,


rule train_fold:
    input:
        best="<results>/tuning/{arm}/repeat-{repeat}/fold-{fold}/best.yaml",
        train="<results>/manifests/<split>/train.tsv",
        validation="<results>/manifests/<split>/validation.tsv",
        test="<results>/manifests/<split>/test.tsv",
        weak="<results>/manifests/<split>/weak.tsv",
        lineage="<results>/manifests/<split>/lineage.json",
        encoders=recipes_of_arm("<results>/pretraining/{recipe}/<split>/encoder.safetensors"),
        encoder_lineages=recipes_of_arm("<results>/pretraining/{recipe}/<split>/lineage.json"),
        caches=every_grid_of_arm("<results>/imaging/{cohort}/grid-{grid}.safetensors"),
    output:
        model="<results>/transfer/{arm}/<split>/model.safetensors",
        predictions="<results>/transfer/{arm}/<split>/predictions.tsv",
        history=shown("<results>/transfer/{arm}/<split>/history.tsv"),
        lineage="<results>/transfer/{arm}/<split>/lineage.json",
    log:
        "<logs>/transfer/train_fold/{arm}/<split>.log",
    benchmark:
        "<benchmarks>/transfer/train_fold/{arm}/<split>.tsv"
    conda:
        "../../envs/training.yaml"
    threads: 1
    resources:
        gpu=1,
    params:
        code=code_of_arm("gliodelta.transfer.train"),
        arm=arm_row,
        grids=arm_grids,
        recipes=arm_recipes,
        training=arm_training,
        scratch=scratch,
        deadline=deadline,
        tracking=tracking,
    script:
        "../../scripts/train_fold.py"


# Not part of `all`: where trainings ran without internet, `snakemake sync_tracking` sends what they recorded.
rule sync_tracking:
    input:
        models=every_arm("<results>/transfer/{arm}/<split>/model.safetensors"),
    output:
        runs="<results>/transfer/tracking.tsv",
    log:
        "<logs>/transfer/sync_tracking.log",
    benchmark:
        "<benchmarks>/transfer/sync_tracking.tsv"
    conda:
        "../../envs/training.yaml"
    params:
        code=code_of("gliodelta.training.sync"),
        scratch=scratch,
        tracking=tracking,
    script:
        "../../scripts/sync_tracking.py"
