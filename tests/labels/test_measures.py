"""Sizes given for both exams."""

import pytest

from gliodelta.labels import measures


@pytest.mark.parametrize(
    ("words", "growth"),
    [
        ("mesure 46 x 35 mm contre 34 x 27 mm", [1]),
        ("passe de 39 a 51 mm", [1]),
        ("from 17 mm in october to 10 mm", [-1]),
        ("measures 4.7 x 3.5 cm, previously 3.6 x 2.8 cm", [1]),
        ("52 mm, 51 mm anterieurement", [0]),
        ("11 mm contre 15 mm", [-1]),
        ("5 mm against 3 mm", [0]),  # within what two readers differ by
        ("volume estime a 44 ml contre 36 ml", [1]),
        ("volume of 44 ml, previously 42 ml", [0]),
        ("3.1 cm, previously 30 mm", [0]),
        ("mesure 46 x 35 mm", []),
        ("lesion de 12 mm en frontal et 5 mm", []),  # one number is not two
        ("grade 3 contre grade 2", []),
        ("a 3 mois de l'irm de 12 mm", []),
    ],
)
def test_growth_beyond_measurement_error(words, growth):
    assert [measure.growth for measure in measures.find(words)] == growth
