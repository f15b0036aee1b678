localrules:
    list_exams,
    describe_dataset,


rule convert_exam:
    input:
        simulated=simulated_subject,
    output:
        image=gone_once_defaced(
            "<results>/ingest/{cohort}/sub-{subject}/ses-{session}/anat/sub-{subject}_ses-{session}_T2w.nii.gz"
        ),
        sidecar="<results>/ingest/{cohort}/sub-{subject}/ses-{session}/anat/sub-{subject}_ses-{session}_T2w.json",
    log:
        "<logs>/ingest/convert_exam/{cohort}/sub-{subject}_ses-{session}.log",
    benchmark:
        "<benchmarks>/ingest/convert_exam/{cohort}/sub-{subject}_ses-{session}.tsv"
    cache: shared_conversion()
    conda:
        "../../envs/imaging.yaml"
    params:
        code=code_of_layout("gliodelta.ingest.convert"),
        cohort_file=cohort_file,
        state=exam_state,
    script:
        "../../scripts/convert_exam.py"


rule list_exams:
    input:
        sidecars=every_exam(
            "<results>/ingest/{cohort}/sub-{subject}/ses-{session}/anat/sub-{subject}_ses-{session}_T2w.json"
        ),
    output:
        table=shown("<results>/ingest/{cohort}/exams.tsv", table="exams and the series taken"),
        summary=shown("<results>/ingest/{cohort}/exams_by_reason.tsv", table="exams by reason"),
    log:
        "<logs>/ingest/list_exams/{cohort}.log",
    benchmark:
        "<benchmarks>/ingest/list_exams/{cohort}.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        code=code_of("gliodelta.ingest.table"),
        cohort_file=cohort_file,
        rows=cohort_rows("exams"),
    script:
        "../../scripts/list_exams.py"


rule describe_dataset:
    output:
        description="<results>/{stage}/{cohort}/dataset_description.json",
    log:
        "<logs>/ingest/describe_dataset/{stage}_{cohort}.log",
    benchmark:
        "<benchmarks>/ingest/describe_dataset/{stage}_{cohort}.tsv"
    wildcard_constraints:
        stage="ingest|imaging",
    conda:
        "../../envs/base.yaml"
    params:
        code=code_of("gliodelta.ingest.describe"),
        settings=setting("imaging"),
    script:
        "../../scripts/describe_dataset.py"
