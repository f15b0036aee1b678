"""What can tell change from a report; each plug-in is one part of the stack.

A plug-in is a file with one function, ``fit(rows, y, seed)``:

    rows: pandas.DataFrame, one row a report: the columns of votes.tsv and `text`, its words (`corpus.words`).
    y: pandas.Series of the readers' labels, 0 stable or 1 unstable, both present.
    seed: of what is drawn.

It returns a function from such rows to log odds of change, float [rows], which `stack.fit` calibrates.
"""
