"""Puts outputs into the report."""

import re
from pathlib import Path


def shown(file, caption=None, category=None, subcategory=None, patterns=(), **labels):
    """`file`, shown in the report: under its stage, with the caption that has its name, labelled by its wildcards.

    <results>/evaluation/figures/auc.png belongs to the category evaluation, and its caption is
    workflow/report/evaluation/auc.rst. A name that is a wildcard gives way to that of the folder.
    """
    path = Path(file.replace("<split>", SPLIT))
    stage = path.parts[1]
    name = next(part.stem for part in [path, *path.parents] if "{" not in part.name)
    wildcards = re.findall(r"{(\w+)}", f"{path} {' '.join(patterns)}")
    return report(
        file,
        patterns=list(patterns),
        caption=f"../report/{stage}/{caption or name}.rst",
        category=category or stage,
        subcategory=subcategory,
        labels={**{wildcard: f"{{{wildcard}}}" for wildcard in wildcards}, **labels},
    )
