localrules:
    show_population,


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
        settings=simulated_settings,
    script:
        "../../scripts/simulate_patient.py"


rule show_population:
    input:
        subjects=simulated_subjects,
    output:
        picture=shown("<results>/simulation/{cohort}/population.png", figure="simulated patients"),
    log:
        "<logs>/simulation/show_population/{cohort}.log",
    benchmark:
        "<benchmarks>/simulation/show_population/{cohort}.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        code=code_of("gliodelta.simulation.population"),
    script:
        "../../scripts/show_population.py"
