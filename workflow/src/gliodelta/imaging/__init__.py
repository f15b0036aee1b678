"""From exams to difference maps: brain extraction, bias correction, registration, difference, screening, sampling."""
