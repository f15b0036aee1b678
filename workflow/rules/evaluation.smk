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
        maps=expand("<results>/imaging/{cohort}/maps.tsv", cohort=labelled_cohorts()),
        exams=expand("<results>/ingest/{cohort}/exams.tsv", cohort=labelled_cohorts_with_exams()),
        labels=for_each(labelled_cohorts(), cohort_sheet("labels")),
        votes=of_development("<results>/labels/{cohort}/votes.tsv"),
    output:
        summary=report(
            "<results>/evaluation/summary.tsv",
            caption="../report/evaluate_arms.rst",
            category="evaluation",
            labels={"table": "every arm on one row"},
        ),
        metrics=report(
            "<results>/evaluation/metrics.tsv",
            caption="../report/evaluate_metrics.rst",
            category="evaluation",
            labels={"table": "all metrics, fold by fold"},
        ),
        comparisons=report(
            "<results>/evaluation/comparisons.tsv",
            caption="../report/evaluate_comparisons.rst",
            category="evaluation",
            labels={"table": "arm against arm"},
        ),
        subgroups=report(
            "<results>/evaluation/subgroups.tsv",
            caption="../report/evaluate_subgroups.rst",
            category="evaluation",
            labels={"table": "subgroups"},
        ),
        pairs="<results>/evaluation/pairs.tsv",
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
        arms=report(
            directory("<results>/evaluation/figures/arms"),
            patterns=["{cohort}_{arm}_{figure}.png"],
            caption="../report/evaluate_arm.rst",
            category="evaluation",
            subcategory="each arm",
            labels={"cohort": "{cohort}", "arm": "{arm}", "figure": "{figure}"},
        ),
    log:
        "<logs>/evaluation/evaluate_arms.log",
    benchmark:
        "<benchmarks>/evaluation/evaluate_arms.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        code=code_of("gliodelta.evaluation.arms"),
        cohorts=labelled_cohorts(),
        settings=setting("evaluation"),
    script:
        "../../scripts/evaluate_arms.py"


rule describe_study:
    input:
        pairs=rules.evaluate_arms.output.pairs,
        summary=rules.evaluate_arms.output.summary,
        comparisons=rules.evaluate_arms.output.comparisons,
        maps=rules.evaluate_arms.input.maps,
        exams=rules.evaluate_arms.input.exams,
        labels=for_each(labelled_cohorts(), cohort_sheet("labels")),
        manifests=every_split("<results>/manifests/<split>/lineage.json"),
        lineages=every_arm("<results>/transfer/{arm}/<split>/lineage.json"),
    output:
        page=report(
            "<results>/evaluation/overview.html",
            caption="../report/describe_study.rst",
            category="overview",
            labels={"show": "the study on one page"},
        ),
        flow=report(
            "<results>/evaluation/figures/flow.png",
            caption="../report/describe_study_flow.rst",
            category="overview",
            labels={"show": "flow diagram"},
        ),
        methods=report(
            "<results>/evaluation/methods.txt",
            caption="../report/describe_study_methods.rst",
            category="overview",
            labels={"show": "methods, for a paper"},
        ),
        checklist=report(
            "<results>/evaluation/checklist.tsv",
            caption="../report/describe_study_checklist.rst",
            category="overview",
            labels={"show": "TRIPOD+AI and CLAIM"},
        ),
    log:
        "<logs>/evaluation/describe_study.log",
    benchmark:
        "<benchmarks>/evaluation/describe_study.tsv"
    conda:
        "../../envs/training.yaml"
    params:
        code=code_of("gliodelta.evaluation.describe"),
        study=study_facts(),
        cohorts=labelled_cohorts(),
    script:
        "../../scripts/describe_study.py"


rule write_card:
    input:
        metrics=rules.evaluate_arms.output.metrics,
        lineages=every_split("<results>/transfer/{arm}/<split>/lineage.json"),
        manifests=every_split("<results>/manifests/<split>/lineage.json"),
    output:
        card=report(
            "<results>/evaluation/cards/{arm}.md",
            caption="../report/write_card.rst",
            category="overview",
            subcategory="model cards",
            labels={"arm": "{arm}"},
        ),
    log:
        "<logs>/evaluation/write_card/{arm}.log",
    benchmark:
        "<benchmarks>/evaluation/write_card/{arm}.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        code=code_of("gliodelta.evaluation.cards"),
        row=declared_arm,
        cohorts=cohort_facts(),
    script:
        "../../scripts/write_card.py"


rule record_provenance:
    input:
        sheets=sheet_files,
        tables=[
            "<results>/splits/folds.tsv",
            "<results>/manifests/counts.tsv",
            *expand("<results>/imaging/{cohort}/maps.tsv", cohort=labelled_cohorts()),
            rules.evaluate_arms.output.summary,
            rules.evaluate_arms.output.metrics,
            rules.evaluate_arms.output.comparisons,
            rules.evaluate_arms.output.pairs,
        ],
        models=every_arm("<results>/transfer/{arm}/<split>/model.safetensors"),
        encoders=every_recipe("<results>/pretraining/{recipe}/<split>/encoder.safetensors"),
        lineages=every_arm("<results>/transfer/{arm}/<split>/lineage.json"),
        encoder_lineages=every_recipe("<results>/pretraining/{recipe}/<split>/lineage.json"),
    output:
        document=report(
            "<results>/evaluation/provenance.json",
            caption="../report/record_provenance.rst",
            category="overview",
            labels={"show": "provenance"},
        ),
    log:
        "<logs>/evaluation/record_provenance.log",
    benchmark:
        "<benchmarks>/evaluation/record_provenance.tsv"
    conda:
        "../../envs/training.yaml"
    params:
        # Not the commit: one that changes no code of a job reruns nothing.
        code=code_of("gliodelta.evaluation.provenance"),
        study=study_facts(),
        sheets=sheet_names(),
        results=subpath(output.document, ancestor=2),
    script:
        "../../scripts/record_provenance.py"


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


rule show_examples:
    input:
        models=first_repeat("<results>/transfer/{arm}/<split>/model.safetensors"),
        lineages=first_repeat("<results>/transfer/{arm}/<split>/lineage.json"),
        predictions=first_repeat("<results>/transfer/{arm}/<split>/predictions.tsv"),
        tests=first_repeat("<results>/manifests/<split>/test.tsv"),
        caches=every_grid_of_arm("<results>/imaging/{cohort}/grid-{grid}.safetensors"),
    output:
        right=report(
            "<results>/evaluation/examples/{arm}/right.png",
            caption="../report/show_examples.rst",
            category="evaluation",
            subcategory="examples",
            labels={"arm": "{arm}", "figure": "pairs called rightly"},
        ),
        wrong=report(
            "<results>/evaluation/examples/{arm}/wrong.png",
            caption="../report/show_examples.rst",
            category="evaluation",
            subcategory="examples",
            labels={"arm": "{arm}", "figure": "pairs called wrongly"},
        ),
        pairs="<results>/evaluation/examples/{arm}/pairs.tsv",
        saliency="<results>/evaluation/examples/{arm}/saliency.safetensors",
    log:
        "<logs>/evaluation/show_examples/{arm}.log",
    benchmark:
        "<benchmarks>/evaluation/show_examples/{arm}.tsv"
    conda:
        "../../envs/training.yaml"
    threads: 1
    resources:
        gpu=1,
    params:
        code=code_of_arm("gliodelta.evaluation.examples"),
        grids=arm_grids,
    script:
        "../../scripts/show_examples.py"


rule locate_saliency:
    input:
        looked=every_arm("<results>/evaluation/examples/{arm}/pairs.tsv"),
        saliency=every_arm("<results>/evaluation/examples/{arm}/saliency.safetensors"),
        subjects=for_each(simulated_cohorts("development"), simulated_subjects),
        images=for_each(
            simulated_cohorts("development"),
            every_pair("<results>/imaging/{cohort}/sub-{subject}/pair-{pair}/sub-{subject}_pair-{pair}_pair.nii.gz"),
        ),
    output:
        table=report(
            "<results>/evaluation/saliency.tsv",
            caption="../report/locate_saliency.rst",
            category="evaluation",
            labels={"table": "saliency inside the simulated change"},
        ),
    log:
        "<logs>/evaluation/locate_saliency.log",
    benchmark:
        "<benchmarks>/evaluation/locate_saliency.tsv"
    conda:
        "../../envs/training.yaml"
    params:
        code=code_of("gliodelta.evaluation.location"),
        cohort=simulated_cohorts("development"),
        arms=list(study.arms),
        grids=setting("training", "grids"),
        results=subpath(output.table, ancestor=2),
    script:
        "../../scripts/locate_saliency.py"
