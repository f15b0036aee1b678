rule extract_reports:
    input:
        simulated=simulated_subjects,
        rules=expand(package_file("labels/rules/{language}.yaml"), language=["en", "fr"]),
    output:
        votes="<results>/labels/{cohort}/votes.tsv",
        excluded=shown("<results>/labels/{cohort}/excluded.tsv", table="reports without a label"),
    log:
        "<logs>/labels/extract_reports/{cohort}.log",
    benchmark:
        "<benchmarks>/labels/extract_reports/{cohort}.tsv"
    conda:
        "../../envs/labels.yaml"
    params:
        code=code_of("gliodelta.labels.extract"),
        cohort_file=cohort_file,
        exams=cohort_rows("exams"),
        reports=report_states,
        languages=cohort_value("languages"),
        date_order=cohort_value("date_order"),
        tolerance_days=setting("labels", "tolerance_days"),
    script:
        "../../scripts/extract_reports.py"


rule calibrate_labels:
    input:
        votes="<results>/labels/{cohort}/votes.tsv",
        labels=sheet("labels"),
        folds="<results>/splits/folds.tsv",
        simulated=simulated_subjects,
    output:
        weak="<results>/labels/{cohort}/repeat-{repeat}/fold-{fold}/weak.tsv",
        calibration="<results>/labels/{cohort}/repeat-{repeat}/fold-{fold}/calibration.tsv",
        noise=shown("<results>/labels/{cohort}/repeat-{repeat}/fold-{fold}/noise.tsv", table="wrong weak labels"),
    log:
        "<logs>/labels/calibrate_labels/{cohort}/repeat-{repeat}/fold-{fold}.log",
    benchmark:
        "<benchmarks>/labels/calibrate_labels/{cohort}/repeat-{repeat}/fold-{fold}.tsv"
    conda:
        "../../envs/labels.yaml"
    params:
        code=code_of(
            "gliodelta.labels.calibrate",
            plugins=[f"gliodelta.labels.parts.{name}" for name in label_models()],
        ),
        cohort_file=cohort_file,
        reports=report_states,
        parts=setting("labels", "parts"),
        baselines=setting("labels", "baselines"),
        seed=setting("labels", "seed"),
    script:
        "../../scripts/calibrate_labels.py"


rule adopt_labels:
    input:
        sheet=cohort_sheet("weak"),
        labels=sheet("labels"),
    output:
        weak="<results>/labels/{cohort}/repeat-{repeat}/fold-{fold}/weak.tsv",
    log:
        "<logs>/labels/adopt_labels/{cohort}/repeat-{repeat}/fold-{fold}.log",
    benchmark:
        "<benchmarks>/labels/adopt_labels/{cohort}/repeat-{repeat}/fold-{fold}.tsv"
    wildcard_constraints:
        cohort=cohorts_with_weak_labels(),
    conda:
        "../../envs/labels.yaml"
    params:
        code=code_of("gliodelta.labels.given"),
    script:
        "../../scripts/adopt_labels.py"


ruleorder: adopt_labels > calibrate_labels


rule score_labels:
    input:
        votes="<results>/labels/{cohort}/votes.tsv",
        calibrations=every_fold("<results>/labels/{cohort}/repeat-{repeat}/fold-{fold}/calibration.tsv"),
        labels=sheet("labels"),
    output:
        table=shown("<results>/labels/{cohort}/agreement.tsv", table="reports against readers"),
        human=shown("<results>/labels/{cohort}/human.tsv", table="what the readers said"),
        picture=shown("<results>/labels/{cohort}/reliability.png", figure="reports against readers"),
    log:
        "<logs>/labels/score_labels/{cohort}.log",
    benchmark:
        "<benchmarks>/labels/score_labels/{cohort}.tsv"
    conda:
        "../../envs/labels.yaml"
    params:
        code=code_of("gliodelta.labels.score"),
        models=label_models(),
        bootstraps=setting("evaluation", "bootstraps"),
        seed=setting("evaluation", "seed"),
    script:
        "../../scripts/score_labels.py"
