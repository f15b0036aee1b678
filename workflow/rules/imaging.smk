rule extract_brain:
    input:
        image="<results>/ingest/{cohort}/sub-{subject}/ses-{session}/anat/sub-{subject}_ses-{session}_T2w.nii.gz",
        sidecar="<results>/ingest/{cohort}/sub-{subject}/ses-{session}/anat/sub-{subject}_ses-{session}_T2w.json",
    output:
        mask=f"{EXAM}_desc-brain_mask.nii.gz",
        sidecar=f"{EXAM}_desc-brain_mask.json",
    log:
        "<logs>/imaging/extract_brain/{cohort}/sub-{subject}_ses-{session}.log",
    benchmark:
        "<benchmarks>/imaging/extract_brain/{cohort}/sub-{subject}_ses-{session}.tsv"
    cache: shared()
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
        mask=f"{EXAM}_desc-brain_mask.nii.gz",
        mask_sidecar=f"{EXAM}_desc-brain_mask.json",
    output:
        image=f"{EXAM}_desc-bias_T2w.nii.gz",
        sidecar=f"{EXAM}_desc-bias_T2w.json",
    log:
        "<logs>/imaging/correct_bias/{cohort}/sub-{subject}_ses-{session}.log",
    benchmark:
        "<benchmarks>/imaging/correct_bias/{cohort}/sub-{subject}_ses-{session}.tsv"
    cache: shared()
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
        prior=f"{PRIOR}_desc-bias_T2w.nii.gz",
        prior_mask=f"{PRIOR}_desc-brain_mask.nii.gz",
        prior_sidecar=f"{PRIOR}_desc-bias_T2w.json",
        current=f"{CURRENT}_desc-bias_T2w.nii.gz",
        current_mask=f"{CURRENT}_desc-brain_mask.nii.gz",
        current_sidecar=f"{CURRENT}_desc-bias_T2w.json",
    output:
        transform=f"{PAIR}_from-prior_to-current_xfm.mat",
        sidecar=f"{PAIR}_from-prior_to-current_xfm.json",
    log:
        "<logs>/imaging/register_pair/{cohort}/sub-{subject}_pair-{prior}to{current}.log",
    benchmark:
        "<benchmarks>/imaging/register_pair/{cohort}/sub-{subject}_pair-{prior}to{current}.tsv"
    cache: shared()
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
        prior_image=f"{PRIOR}_desc-bias_T2w.nii.gz",
        prior_mask=f"{PRIOR}_desc-brain_mask.nii.gz",
        prior_mask_sidecar=f"{PRIOR}_desc-brain_mask.json",
        prior_source="<results>/ingest/{cohort}/sub-{subject}/ses-{prior}/anat/sub-{subject}_ses-{prior}_T2w.json",
        current_image=f"{CURRENT}_desc-bias_T2w.nii.gz",
        current_mask=f"{CURRENT}_desc-brain_mask.nii.gz",
        current_mask_sidecar=f"{CURRENT}_desc-brain_mask.json",
        current_source="<results>/ingest/{cohort}/sub-{subject}/ses-{current}/anat/sub-{subject}_ses-{current}_T2w.json",
        transform=f"{PAIR}_from-prior_to-current_xfm.mat",
        sidecar=f"{PAIR}_from-prior_to-current_xfm.json",
    output:
        prior=f"{PAIR}_prior_T2w.nii.gz",
        pair=f"{PAIR}_pair.nii.gz",
        signed=f"{PAIR}_diff.nii.gz",
        absolute=f"{PAIR}_desc-absolute_diff.nii.gz",
        qc=f"{PAIR}_qc.json",
        picture=f"{PAIR}_qc.png",
    log:
        "<logs>/imaging/map_difference/{cohort}/sub-{subject}_pair-{prior}to{current}.log",
    benchmark:
        "<benchmarks>/imaging/map_difference/{cohort}/sub-{subject}_pair-{prior}to{current}.tsv"
    cache: shared()
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
        pair=f"{PAIR}_pair.nii.gz",
        absolute=f"{PAIR}_desc-absolute_diff.nii.gz",
        qc=f"{PAIR}_qc.json",
        picture=f"{PAIR}_qc.png",
    log:
        "<logs>/imaging/adopt_map/{cohort}/sub-{subject}_pair-{prior}to{current}.log",
    benchmark:
        "<benchmarks>/imaging/adopt_map/{cohort}/sub-{subject}_pair-{prior}to{current}.tsv"
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
        qc=every_pair(f"{PAIR}_qc.json"),
        pictures=every_pair(f"{PAIR}_qc.png"),
    output:
        table=shown("<results>/imaging/{cohort}/maps.tsv", what="pairs: included or why not"),
        summary=shown("<results>/imaging/{cohort}/pairs_by_reason.tsv", "maps", what="pairs by reason"),
        figure=shown("<results>/imaging/{cohort}/qc.png", "maps", what="quality of all pairs"),
        gallery=shown("<results>/imaging/{cohort}/qc_gallery.png", what="difference maps: the worst pairs and a sample"),
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
        most_pictures=most_pictures,
    script:
        "../../scripts/screen_maps.py"


rule sample_maps:
    input:
        maps="<results>/imaging/{cohort}/maps.tsv",
        pairs=every_pair(f"{PAIR}_pair.nii.gz"),
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
