localrules:
    tune_study,
    select_trial,


rule tune_study:
    input:
        train=every_inner("<results>/manifests/<split>/train.tsv"),
        validation=every_inner("<results>/manifests/<split>/validation.tsv"),
        weak=every_inner("<results>/manifests/<split>/weak.tsv"),
        lineages=every_inner("<results>/manifests/<split>/lineage.json"),
        encoders=recipes_of_arm_every_inner("<results>/pretraining/{recipe}/<split>/encoder.safetensors"),
        encoder_lineages=recipes_of_arm_every_inner("<results>/pretraining/{recipe}/<split>/lineage.json"),
        # In place of the maps, which the login node need not read.
        checksums=every_grid_of_arm("<results>/imaging/{cohort}/grid-{grid}.sha256"),
    output:
        study="<results>/tuning/{arm}/repeat-{repeat}/fold-{fold}/study.json",
    log:
        "<logs>/tuning/tune_study/{arm}/repeat-{repeat}/fold-{fold}.log",
    benchmark:
        "<benchmarks>/tuning/tune_study/{arm}/repeat-{repeat}/fold-{fold}.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        code=code_of("gliodelta.tuning.study"),
        # The workers' code decides the result of a study, so it is a part of the study's id.
        worker_code=code_of_arm("gliodelta.tuning.worker"),
        arm=arm_row,
        recipes=arm_recipes,
        training=arm_training,
        seed=setting("tuning", "seed"),
        budget=setting("tuning", "budget"),
        pruning=setting("tuning", "pruning"),
    script:
        "../../scripts/tune_study.py"


rule tune_worker:
    input:
        study=rules.tune_study.output.study,
        earlier=workers_of_rung_before("<results>/tuning/{arm}/repeat-{repeat}/fold-{fold}/rung-{rung}/{worker}.json"),
        train=rules.tune_study.input.train,
        validation=rules.tune_study.input.validation,
        weak=rules.tune_study.input.weak,
        lineages=rules.tune_study.input.lineages,
        encoders=rules.tune_study.input.encoders,
        encoder_lineages=rules.tune_study.input.encoder_lineages,
        caches=every_grid_of_arm("<results>/imaging/{cohort}/grid-{grid}.safetensors"),
    output:
        done="<results>/tuning/{arm}/repeat-{repeat}/fold-{fold}/rung-{rung}/{worker}.json",
    log:
        "<logs>/tuning/tune_worker/{arm}/repeat-{repeat}/fold-{fold}/rung-{rung}/{worker}.log",
    benchmark:
        "<benchmarks>/tuning/tune_worker/{arm}/repeat-{repeat}/fold-{fold}/rung-{rung}/{worker}.tsv"
    conda:
        "../../envs/training.yaml"
    threads: 1
    resources:
        gpu=1,
    params:
        code=code_of_arm("gliodelta.tuning.worker"),
        grids=arm_grids,
        scratch=scratch,
        deadline=deadline,
    script:
        "../../scripts/tune_worker.py"


rule select_trial:
    input:
        study=rules.tune_study.output.study,
        workers=workers_of_last_rung("<results>/tuning/{arm}/repeat-{repeat}/fold-{fold}/rung-{rung}/{worker}.json"),
    output:
        best="<results>/tuning/{arm}/repeat-{repeat}/fold-{fold}/best.yaml",
        trials=shown("<results>/tuning/{arm}/repeat-{repeat}/fold-{fold}/trials.tsv", show="table"),
        journal="<results>/tuning/{arm}/repeat-{repeat}/fold-{fold}/journal.log",
        figure=shown("<results>/tuning/{arm}/repeat-{repeat}/fold-{fold}/trials.png", show="figure"),
        optuna_figure=shown("<results>/tuning/{arm}/repeat-{repeat}/fold-{fold}/optuna.png", show="Optuna's plots"),
    log:
        "<logs>/tuning/select_trial/{arm}/repeat-{repeat}/fold-{fold}.log",
    benchmark:
        "<benchmarks>/tuning/select_trial/{arm}/repeat-{repeat}/fold-{fold}.tsv"
    conda:
        "../../envs/training.yaml"
    params:
        code=code_of("gliodelta.tuning.select"),
        # For the caption.
        budget=setting("tuning", "budget"),
        pruning=setting("tuning", "pruning"),
        scratch=scratch,
    script:
        "../../scripts/select_trial.py"
