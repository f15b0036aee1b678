localrules:
    tune_study,


rule tune_study:
    input:
        train=every_inner("<results>/manifests/<split>/train.tsv"),
        validation=every_inner("<results>/manifests/<split>/validation.tsv"),
        weak=every_inner("<results>/manifests/<split>/weak.tsv"),
        lineages=every_inner("<results>/manifests/<split>/lineage.json"),
        encoders=recipes_of_arm_every_inner("<results>/pretraining/{recipe}/<split>/encoder.safetensors"),
        encoder_lineages=recipes_of_arm_every_inner("<results>/pretraining/{recipe}/<split>/lineage.json"),
        cache=of_arm("<results>/imaging/{cohort}/grid-{grid}.safetensors"),
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
    script:
        "../../scripts/tune_study.py"


rule tune_worker:
    input:
        study=rules.tune_study.output.study,
        train=rules.tune_study.input.train,
        validation=rules.tune_study.input.validation,
        weak=rules.tune_study.input.weak,
        lineages=rules.tune_study.input.lineages,
        encoders=rules.tune_study.input.encoders,
        encoder_lineages=rules.tune_study.input.encoder_lineages,
        cache=rules.tune_study.input.cache,
    output:
        done="<results>/tuning/{arm}/repeat-{repeat}/fold-{fold}/workers/{worker}.json",
    log:
        "<logs>/tuning/tune_worker/{arm}/repeat-{repeat}/fold-{fold}/worker-{worker}.log",
    benchmark:
        "<benchmarks>/tuning/tune_worker/{arm}/repeat-{repeat}/fold-{fold}/worker-{worker}.tsv"
    conda:
        "../../envs/training.yaml"
    threads: 1
    resources:
        gpu=1,
    params:
        code=code_of_arm("gliodelta.tuning.worker"),
        scratch=scratch,
        deadline=deadline,
    script:
        "../../scripts/tune_worker.py"


rule select_trial:
    input:
        study=rules.tune_study.output.study,
        workers=every_worker("<results>/tuning/{arm}/repeat-{repeat}/fold-{fold}/workers/{worker}.json"),
    output:
        best="<results>/tuning/{arm}/repeat-{repeat}/fold-{fold}/best.yaml",
        trials=report(
            "<results>/tuning/{arm}/repeat-{repeat}/fold-{fold}/trials.tsv",
            caption="../report/select_trial.rst",
            category="tuning",
            labels={"arm": "{arm}", "repeat": "{repeat}", "fold": "{fold}", "show": "table"},
        ),
        journal="<results>/tuning/{arm}/repeat-{repeat}/fold-{fold}/journal.log",
        figure=report(
            "<results>/tuning/{arm}/repeat-{repeat}/fold-{fold}/trials.png",
            caption="../report/select_trial.rst",
            category="tuning",
            labels={"arm": "{arm}", "repeat": "{repeat}", "fold": "{fold}", "show": "figure"},
        ),
    log:
        "<logs>/tuning/select_trial/{arm}/repeat-{repeat}/fold-{fold}.log",
    benchmark:
        "<benchmarks>/tuning/select_trial/{arm}/repeat-{repeat}/fold-{fold}.tsv"
    conda:
        "../../envs/training.yaml"
    params:
        code=code_of("gliodelta.tuning.select"),
        scratch=scratch,
    script:
        "../../scripts/select_trial.py"
