rule extract_brain:
    input:
        image="<results>/ingest/{cohort}/sub-{subject}/ses-{session}/anat/sub-{subject}_ses-{session}_T2w.nii.gz",
        sidecar="<results>/ingest/{cohort}/sub-{subject}/ses-{session}/anat/sub-{subject}_ses-{session}_T2w.json",
    output:
        mask="<results>/imaging/{cohort}/sub-{subject}/ses-{session}/sub-{subject}_ses-{session}_desc-brain_mask.nii.gz",
        sidecar="<results>/imaging/{cohort}/sub-{subject}/ses-{session}/sub-{subject}_ses-{session}_desc-brain_mask.json",
    log:
        "<logs>/imaging/extract_brain/{cohort}/sub-{subject}_ses-{session}.log",
    benchmark:
        "<benchmarks>/imaging/extract_brain/{cohort}/sub-{subject}_ses-{session}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    params:
        code=code_of(
            "gliodelta.imaging.brain",
            plugins=[f"gliodelta.imaging.brain_extraction.{setting('imaging', 'brain_extraction')}"],
        ),
        engine=setting("imaging", "brain_extraction"),
        skull_stripped=cohort_value("skull_stripped"),
        min_ml=setting("imaging", "min_brain_ml"),
        max_ml=setting("imaging", "max_brain_ml"),
    script:
        "../../scripts/extract_brain.py"


rule correct_bias:
    input:
        image="<results>/ingest/{cohort}/sub-{subject}/ses-{session}/anat/sub-{subject}_ses-{session}_T2w.nii.gz",
        mask="<results>/imaging/{cohort}/sub-{subject}/ses-{session}/sub-{subject}_ses-{session}_desc-brain_mask.nii.gz",
        mask_sidecar="<results>/imaging/{cohort}/sub-{subject}/ses-{session}/sub-{subject}_ses-{session}_desc-brain_mask.json",
    output:
        image="<results>/imaging/{cohort}/sub-{subject}/ses-{session}/sub-{subject}_ses-{session}_desc-bias_T2w.nii.gz",
        sidecar="<results>/imaging/{cohort}/sub-{subject}/ses-{session}/sub-{subject}_ses-{session}_desc-bias_T2w.json",
    log:
        "<logs>/imaging/correct_bias/{cohort}/sub-{subject}_ses-{session}.log",
    benchmark:
        "<benchmarks>/imaging/correct_bias/{cohort}/sub-{subject}_ses-{session}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    params:
        code=code_of(
            "gliodelta.imaging.bias",
            plugins=[f"gliodelta.imaging.bias_correction.{setting('imaging', 'bias_correction')}"],
        ),
        engine=setting("imaging", "bias_correction"),
        deface=setting("imaging", "deface"),
    script:
        "../../scripts/correct_bias.py"


rule register_pair:
    input:
        prior=prior_of(
            "<results>/imaging/{cohort}/sub-{subject}/ses-{session}/sub-{subject}_ses-{session}_desc-bias_T2w.nii.gz"
        ),
        prior_mask=prior_of(
            "<results>/imaging/{cohort}/sub-{subject}/ses-{session}/sub-{subject}_ses-{session}_desc-brain_mask.nii.gz"
        ),
        prior_sidecar=prior_of(
            "<results>/imaging/{cohort}/sub-{subject}/ses-{session}/sub-{subject}_ses-{session}_desc-bias_T2w.json"
        ),
        current=current_of(
            "<results>/imaging/{cohort}/sub-{subject}/ses-{session}/sub-{subject}_ses-{session}_desc-bias_T2w.nii.gz"
        ),
        current_mask=current_of(
            "<results>/imaging/{cohort}/sub-{subject}/ses-{session}/sub-{subject}_ses-{session}_desc-brain_mask.nii.gz"
        ),
        current_sidecar=current_of(
            "<results>/imaging/{cohort}/sub-{subject}/ses-{session}/sub-{subject}_ses-{session}_desc-bias_T2w.json"
        ),
    output:
        transform="<results>/imaging/{cohort}/sub-{subject}/pair-{pair}/sub-{subject}_pair-{pair}_from-prior_to-current_xfm.mat",
        sidecar="<results>/imaging/{cohort}/sub-{subject}/pair-{pair}/sub-{subject}_pair-{pair}_from-prior_to-current_xfm.json",
    log:
        "<logs>/imaging/register_pair/{cohort}/sub-{subject}_pair-{pair}.log",
    benchmark:
        "<benchmarks>/imaging/register_pair/{cohort}/sub-{subject}_pair-{pair}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    params:
        code=code_of(
            "gliodelta.imaging.register",
            plugins=[f"gliodelta.imaging.registration.{name}" for name in registration_backends()],
        ),
        backends=registration_backends(),
        min_similarity=setting("imaging", "min_similarity"),
    script:
        "../../scripts/register_pair.py"


rule map_difference:
    input:
        prior_image=prior_of(
            "<results>/imaging/{cohort}/sub-{subject}/ses-{session}/sub-{subject}_ses-{session}_desc-bias_T2w.nii.gz"
        ),
        prior_mask=prior_of(
            "<results>/imaging/{cohort}/sub-{subject}/ses-{session}/sub-{subject}_ses-{session}_desc-brain_mask.nii.gz"
        ),
        prior_mask_sidecar=prior_of(
            "<results>/imaging/{cohort}/sub-{subject}/ses-{session}/sub-{subject}_ses-{session}_desc-brain_mask.json"
        ),
        prior_source=prior_of(
            "<results>/ingest/{cohort}/sub-{subject}/ses-{session}/anat/sub-{subject}_ses-{session}_T2w.json"
        ),
        current_image=current_of(
            "<results>/imaging/{cohort}/sub-{subject}/ses-{session}/sub-{subject}_ses-{session}_desc-bias_T2w.nii.gz"
        ),
        current_mask=current_of(
            "<results>/imaging/{cohort}/sub-{subject}/ses-{session}/sub-{subject}_ses-{session}_desc-brain_mask.nii.gz"
        ),
        current_mask_sidecar=current_of(
            "<results>/imaging/{cohort}/sub-{subject}/ses-{session}/sub-{subject}_ses-{session}_desc-brain_mask.json"
        ),
        current_source=current_of(
            "<results>/ingest/{cohort}/sub-{subject}/ses-{session}/anat/sub-{subject}_ses-{session}_T2w.json"
        ),
        transform="<results>/imaging/{cohort}/sub-{subject}/pair-{pair}/sub-{subject}_pair-{pair}_from-prior_to-current_xfm.mat",
        sidecar="<results>/imaging/{cohort}/sub-{subject}/pair-{pair}/sub-{subject}_pair-{pair}_from-prior_to-current_xfm.json",
    output:
        prior="<results>/imaging/{cohort}/sub-{subject}/pair-{pair}/sub-{subject}_pair-{pair}_prior_T2w.nii.gz",
        pair="<results>/imaging/{cohort}/sub-{subject}/pair-{pair}/sub-{subject}_pair-{pair}_pair.nii.gz",
        signed="<results>/imaging/{cohort}/sub-{subject}/pair-{pair}/sub-{subject}_pair-{pair}_diff.nii.gz",
        absolute="<results>/imaging/{cohort}/sub-{subject}/pair-{pair}/sub-{subject}_pair-{pair}_desc-absolute_diff.nii.gz",
        qc="<results>/imaging/{cohort}/sub-{subject}/pair-{pair}/sub-{subject}_pair-{pair}_qc.json",
        picture="<results>/imaging/{cohort}/sub-{subject}/pair-{pair}/sub-{subject}_pair-{pair}_qc.png",
    log:
        "<logs>/imaging/map_difference/{cohort}/sub-{subject}_pair-{pair}.log",
    benchmark:
        "<benchmarks>/imaging/map_difference/{cohort}/sub-{subject}_pair-{pair}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    params:
        code=code_of(
            "gliodelta.imaging.difference",
            plugins=[f"gliodelta.imaging.normalisation.{setting('imaging', 'normalisation')}"],
        ),
        settings={name: setting("imaging", name) for name in ("space", "sharpness", "normalisation")},
    script:
        "../../scripts/map_difference.py"


rule adopt_map:
    output:
        pair="<results>/imaging/{cohort}/sub-{subject}/pair-{pair}/sub-{subject}_pair-{pair}_pair.nii.gz",
        absolute="<results>/imaging/{cohort}/sub-{subject}/pair-{pair}/sub-{subject}_pair-{pair}_desc-absolute_diff.nii.gz",
        qc="<results>/imaging/{cohort}/sub-{subject}/pair-{pair}/sub-{subject}_pair-{pair}_qc.json",
        picture="<results>/imaging/{cohort}/sub-{subject}/pair-{pair}/sub-{subject}_pair-{pair}_qc.png",
    log:
        "<logs>/imaging/adopt_map/{cohort}/sub-{subject}_pair-{pair}.log",
    benchmark:
        "<benchmarks>/imaging/adopt_map/{cohort}/sub-{subject}_pair-{pair}.tsv"
    wildcard_constraints:
        cohort=cohorts_with_maps_only(),
    conda:
        "../../envs/imaging.yaml"
    params:
        code=code_of("gliodelta.imaging.given"),
        cohort_file=cohort_file,
        state=map_state,
    script:
        "../../scripts/adopt_map.py"


ruleorder: adopt_map > map_difference


rule screen_maps:
    input:
        qc=every_pair("<results>/imaging/{cohort}/sub-{subject}/pair-{pair}/sub-{subject}_pair-{pair}_qc.json"),
        pictures=every_pair("<results>/imaging/{cohort}/sub-{subject}/pair-{pair}/sub-{subject}_pair-{pair}_qc.png"),
    output:
        table=report(
            "<results>/imaging/{cohort}/maps.tsv",
            caption="../report/screen_maps.rst",
            category="imaging",
            labels={"cohort": "{cohort}", "what": "pairs: included or why not"},
        ),
        summary=report(
            "<results>/imaging/{cohort}/pairs_by_reason.tsv",
            caption="../report/screen_maps.rst",
            category="imaging",
            labels={"cohort": "{cohort}", "what": "pairs by reason"},
        ),
        figure=report(
            "<results>/imaging/{cohort}/qc.png",
            caption="../report/screen_maps.rst",
            category="imaging",
            labels={"cohort": "{cohort}", "what": "quality of all pairs"},
        ),
        gallery=report(
            "<results>/imaging/{cohort}/qc_gallery.png",
            caption="../report/map_difference.rst",
            category="imaging",
            labels={"cohort": "{cohort}", "what": "difference maps: the worst pairs and a sample"},
        ),
    log:
        "<logs>/imaging/screen_maps/{cohort}.log",
    benchmark:
        "<benchmarks>/imaging/screen_maps/{cohort}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    params:
        code=code_of("gliodelta.imaging.screen"),
        cohort_file=cohort_file,
        rows=cohort_rows("pairs", "events"),
        limits=setting("imaging", "limits"),
        surgery_days=setting("imaging", "surgery_days"),
        max_days=setting("imaging", "max_days"),
    script:
        "../../scripts/screen_maps.py"


rule sample_maps:
    input:
        maps="<results>/imaging/{cohort}/maps.tsv",
        pairs=every_pair("<results>/imaging/{cohort}/sub-{subject}/pair-{pair}/sub-{subject}_pair-{pair}_pair.nii.gz"),
    output:
        cache="<results>/imaging/{cohort}/grid-{grid}.safetensors",
        checksum="<results>/imaging/{cohort}/grid-{grid}.sha256",
    log:
        "<logs>/imaging/sample_maps/{cohort}/grid-{grid}.log",
    benchmark:
        "<benchmarks>/imaging/sample_maps/{cohort}/grid-{grid}.tsv"
    conda:
        "../../envs/imaging.yaml"
    threads: 1
    params:
        code=code_of("gliodelta.imaging.sample"),
        grid=named_grid,
    script:
        "../../scripts/sample_maps.py"
