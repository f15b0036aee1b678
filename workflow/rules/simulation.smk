rule simulate_patient:
    output:
        folder=directory("<results>/simulation/{cohort}/sub-{subject}"),
    log:
        "<logs>/simulation/simulate_patient/{cohort}/sub-{subject}.log",
    benchmark:
        "<benchmarks>/simulation/simulate_patient/{cohort}/sub-{subject}.tsv"
    conda:
        "../../envs/imaging.yaml"
    params:
        code=code_of("gliodelta.simulation.patient"),
        cohort_file=cohort_file,
        rows=subject_rows,
    script:
        "../../scripts/simulate_patient.py"
