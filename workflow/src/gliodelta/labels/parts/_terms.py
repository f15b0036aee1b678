"""Which words a text model may know."""

from collections import Counter

# A term that fewer patients share may be a name or a place, and is noise at tens of reports.
MIN_PATIENTS = 5
# Letters only: no number, date or scrubbed name (underscores) is a term.
TOKEN = r"(?u)\b[^\W\d_]{2,}\b"


def vectoriser(rows, longest):
    """Fits TF-IDF weights of word n-grams.

    Args:
        rows: reports, with `subject` and `text`.
        longest: words in the longest n-gram.

    Returns:
        sklearn's TfidfVectorizer, fitted; None when no term is in the reports of `MIN_PATIENTS` patients.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = {"ngram_range": (1, longest), "token_pattern": TOKEN, "lowercase": True, "sublinear_tf": True}
    analyse = TfidfVectorizer(**words).build_analyzer()
    patients = Counter()
    for _, texts in rows.groupby("subject")["text"]:
        patients.update(set().union(*map(analyse, texts)))
    terms = sorted(term for term, count in patients.items() if count >= MIN_PATIENTS)
    return TfidfVectorizer(**words, vocabulary=terms).fit(rows["text"]) if terms else None
