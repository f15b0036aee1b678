rule fit_comparators:
    input:
        folds="<results>/splits/folds.tsv",
        maps=expand("<results>/imaging/{cohort}/maps.tsv", cohort=labelled_cohorts()),
        labels=for_each(labelled_cohorts(), cohort_sheet("labels")),
    output:
        table="<results>/evaluation/comparators.tsv",
        picture=shown("<results>/evaluation/figures/comparators.png", figure="what trivial comparators see"),
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
        summary=shown("<results>/evaluation/summary.tsv", table="every arm on one row"),
        metrics=shown("<results>/evaluation/metrics.tsv", table="all metrics, fold by fold"),
        comparisons=shown("<results>/evaluation/comparisons.tsv", table="arm against arm"),
        subgroups=shown("<results>/evaluation/subgroups.tsv", table="subgroups"),
        pairs="<results>/evaluation/pairs.tsv",
        auc=shown("<results>/evaluation/figures/auc.png", figure="AUC of every arm"),
        roc=shown("<results>/evaluation/figures/roc.png", figure="ROC curves"),
        precision_recall=shown("<results>/evaluation/figures/pr.png", figure="precision-recall curves"),
        arms=shown(
            directory("<results>/evaluation/figures/arms"),
            subcategory="each arm",
            patterns=["{cohort}_{arm}_{figure}.png"],
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
        phrases=package_file("evaluation/methods.yaml"),
    output:
        page=shown("<results>/evaluation/overview.html", category="overview", show="the study on one page"),
        flow=shown("<results>/evaluation/figures/flow.png", category="overview", show="flow diagram"),
        methods=shown("<results>/evaluation/methods.txt", category="overview", show="methods, for a paper"),
        checklist=shown("<results>/evaluation/checklist.tsv", category="overview", show="TRIPOD+AI and CLAIM"),
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
        card=shown("<results>/evaluation/cards/{arm}.md", category="overview", subcategory="model cards"),
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
        exams=rules.evaluate_arms.input.exams,
        grids=expand("<results>/imaging/{cohort}/grid-{grid}.sha256", cohort=labelled_cohorts(), grid=study.grids()),
        tables=[
            "<results>/splits/folds.tsv",
            "<results>/manifests/counts.tsv",
            *rules.evaluate_arms.input.maps,
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
        document=shown("<results>/evaluation/provenance.json", category="overview", show="provenance"),
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
        masks=for_each(simulated_cohorts(), every_exam(f"{EXAM}_desc-brain_mask.nii.gz")),
        transforms=for_each(simulated_cohorts(), every_pair(f"{PAIR}_from-prior_to-current_xfm.mat")),
        differences=for_each(simulated_cohorts(), every_pair(f"{PAIR}_diff.nii.gz")),
        votes=expand("<results>/labels/{cohort}/votes.tsv", cohort=simulated_cohorts("development")),
        labels=for_each(simulated_cohorts(), cohort_sheet("labels")),
    output:
        table=shown("<results>/evaluation/simulation.tsv", table="stages against the simulated truth"),
        picture=shown("<results>/evaluation/figures/simulation.png", figure="stages against the simulated truth"),
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
        right=shown("<results>/evaluation/examples/{arm}/right.png", "examples", subcategory="examples", calls="right"),
        wrong=shown("<results>/evaluation/examples/{arm}/wrong.png", "examples", subcategory="examples", calls="wrong"),
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
        images=for_each(simulated_cohorts("development"), every_pair(f"{PAIR}_pair.nii.gz")),
    output:
        table=shown("<results>/evaluation/saliency.tsv", table="saliency inside the simulated change"),
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
