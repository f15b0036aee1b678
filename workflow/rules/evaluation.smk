rule fit_comparators:
    input:
        folds="<results>/splits/folds.tsv",
        maps=expand("<results>/imaging/{cohort}/maps.tsv", cohort=labelled_cohorts()),
        labels=for_each(labelled_cohorts(), cohort_sheet("labels")),
    output:
        table="<results>/evaluation/comparators.tsv",
        picture=report(
            "<results>/evaluation/figures/comparators.png",
            caption="../report/fit_comparators.rst",
            category="evaluation",
            labels={"figure": "what trivial comparators see"},
        ),
    log:
        "<logs>/evaluation/fit_comparators.log",
    benchmark:
        "<benchmarks>/evaluation/fit_comparators.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        code=code_of("gliodelta.evaluation.comparators"),
        cohorts=labelled_cohorts(),
    script:
        "../../scripts/fit_comparators.py"


rule evaluate_arms:
    input:
        predictions=every_arm("<results>/transfer/{arm}/<split>/predictions.tsv"),
        lineages=every_arm("<results>/transfer/{arm}/<split>/lineage.json"),
        external=every_external("<results>/external/{cohort}/{arm}/predictions.tsv"),
        comparators=rules.fit_comparators.output.table,
        folds="<results>/splits/folds.tsv",
        arms=setting("arms"),
    output:
        summary=report(
            "<results>/evaluation/summary.tsv",
            caption="../report/evaluate_arms.rst",
            category="evaluation",
            labels={"table": "all metrics"},
        ),
        comparisons=report(
            "<results>/evaluation/comparisons.tsv",
            caption="../report/evaluate_comparisons.rst",
            category="evaluation",
            labels={"table": "arm against arm"},
        ),
        auc=report(
            "<results>/evaluation/figures/auc.png",
            caption="../report/evaluate_auc.rst",
            category="evaluation",
            labels={"figure": "AUC of every arm"},
        ),
        roc=report(
            "<results>/evaluation/figures/roc.png",
            caption="../report/evaluate_roc.rst",
            category="evaluation",
            labels={"figure": "ROC curves"},
        ),
        precision_recall=report(
            "<results>/evaluation/figures/pr.png",
            caption="../report/evaluate_pr.rst",
            category="evaluation",
            labels={"figure": "precision-recall curves"},
        ),
    log:
        "<logs>/evaluation/evaluate_arms.log",
    benchmark:
        "<benchmarks>/evaluation/evaluate_arms.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        code=code_of("gliodelta.evaluation.arms"),
        development=study.development,
        settings=setting("evaluation"),
    script:
        "../../scripts/evaluate_arms.py"


rule check_simulation:
    input:
        subjects=for_each(simulated_cohorts(), simulated_subjects),
        masks=for_each(
            simulated_cohorts(),
            every_exam(
                "<results>/imaging/{cohort}/sub-{subject}/ses-{session}/sub-{subject}_ses-{session}_desc-brain_mask.nii.gz"
            ),
        ),
        transforms=for_each(
            simulated_cohorts(),
            every_pair(
                "<results>/imaging/{cohort}/sub-{subject}/pair-{pair}/sub-{subject}_pair-{pair}_from-prior_to-current_xfm.mat"
            ),
        ),
        differences=for_each(
            simulated_cohorts(),
            every_pair("<results>/imaging/{cohort}/sub-{subject}/pair-{pair}/sub-{subject}_pair-{pair}_diff.nii.gz"),
        ),
        votes=expand("<results>/labels/{cohort}/votes.tsv", cohort=simulated_cohorts("development")),
        labels=for_each(simulated_cohorts(), cohort_sheet("labels")),
    output:
        table=report(
            "<results>/evaluation/simulation.tsv",
            caption="../report/check_simulation.rst",
            category="evaluation",
            labels={"table": "stages against the simulated truth"},
        ),
        picture=report(
            "<results>/evaluation/figures/simulation.png",
            caption="../report/check_simulation.rst",
            category="evaluation",
            labels={"figure": "stages against the simulated truth"},
        ),
    log:
        "<logs>/evaluation/check_simulation.log",
    benchmark:
        "<benchmarks>/evaluation/check_simulation.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        code=code_of("gliodelta.evaluation.simulation"),
        cohort_files=simulated_cohort_files(),
        results=subpath(output.table, ancestor=2),
    script:
        "../../scripts/check_simulation.py"
