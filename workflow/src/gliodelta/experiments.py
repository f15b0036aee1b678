"""The experiments: the rows of arms.tsv and recipes.tsv, checked against the plug-ins and against each other."""

import math

from gliodelta import plugins
from gliodelta.schema import InvalidInput
from gliodelta.sheets import read_sheet

# The plug-ins that every training uses, by the column of both sheets that names them.
TRAINING = {
    "encoder": plugins.ENCODERS,
    "representation": plugins.REPRESENTATIONS,
    "loss": plugins.LOSSES,
    "augmentation": plugins.AUGMENTATIONS,
}
# The least value of an arm's numbers, and in words.
LEAST = {"learning_rates": (math.ulp(0.0), "above 0"), "weight_decays": (0.0, "of at least 0")}


def read_experiments(config):
    """Reads the arms and recipes of a configuration.

    Args:
        config: validated configuration (schema `config`).

    Returns:
        (arms, recipes), each a dict of name to row, all columns filled in.

    Raises:
        InvalidInput: with the file, the row and what to write instead.
    """
    arms, recipes = (_rows(config, kind, column) for kind, column in (("arms", "arm"), ("recipes", "recipe")))
    for kind, rows in (("arms", arms), ("recipes", recipes)):
        for name, row in rows.items():
            _check_plugins(row, f"{config[kind]}, row {name}")
    primary = [name for name, row in arms.items() if row["primary"] == "yes"]
    if arms and len(primary) != 1:
        raise InvalidInput(f"{config['arms']}: {len(primary)} arms have primary yes; declare exactly one beforehand")
    for name, row in arms.items():
        place = f"{config['arms']}: arm {name}"
        _check_choices(place, row)
        _check_recipes(place, row, recipes, config["recipes"])
    return arms, recipes


def listed(row, column):
    """Returns the names in a comma-separated cell of a row; none where the cell is empty."""
    return row[column].split(",") if row.get(column) else []


def training_plugins(row):
    """Returns the dotted names of the plug-ins that every training of an arm or recipe uses."""
    return [f"{package}.{row[column]}" for column, package in TRAINING.items()]


def _rows(config, kind, column):
    file, rows = config[kind], {}
    for line, row in enumerate(read_sheet(file, kind), start=2):
        if row[column] in rows:
            raise InvalidInput(f"{file} line {line}: {column} {row[column]!r} stands there twice; rename one of them")
        if row["grid"] not in config["training"]["grids"]:
            raise InvalidInput(
                f"{file} line {line}: grid {row['grid']!r} is not under training: grids: in the configuration"
            )
        rows[row[column]] = row
    return rows


def _check_plugins(row, place):
    wanted = [(package, row[column]) for column, package in TRAINING.items()]
    wanted += [(plugins.STRATEGIES, strategy) for strategy in listed(row, "strategies")]
    wanted += [(plugins.METHODS, name) for name in listed(row, "method")]
    for package, name in wanted:
        plugins.check(package, name, place)
    needed = plugins.constant(plugins.AUGMENTATIONS, row["augmentation"], "REPRESENTATION", row["representation"])
    if row["representation"] != needed:
        raise InvalidInput(
            f"{place}: augmentation {row['augmentation']} is for {needed} only, but the representation is "
            f"{row['representation']}; write augmentation pair or none"
        )


def _check_choices(place, arm):
    """Refuses what is no number, and choices that stand twice, whose settings would be tried as if they differed."""
    for column in ("strategies", "recipes", "learning_rates", "weight_decays"):
        texts = listed(arm, column)
        values = [_number(place, column, text) for text in texts] if column in LEAST else texts
        twice = [text for at, text in enumerate(texts) if values[at] in values[:at]]
        if twice:
            raise InvalidInput(f"{place}: {twice[0]!r} stands twice among its {column}; delete one of them")


def _number(place, column, text):
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    least, words = LEAST[column]
    if not least <= value < math.inf:
        raise InvalidInput(f"{place}: {text!r} among its {column} is no number {words}; write one such as 1e-3")
    return value


def _check_recipes(place, arm, recipes, file):
    if listed(arm, "strategies") != ["scratch"] and not listed(arm, "recipes"):
        raise InvalidInput(f"{place} has strategies that transfer but no recipes; name rows of {file}")
    for recipe in listed(arm, "recipes"):
        if recipe not in recipes:
            raise InvalidInput(f"{place}: recipe {recipe!r} is no row of {file}")
        _check_fit(place, arm, recipe, recipes[recipe])


def _check_fit(place, arm, recipe, row):
    """Checks what must agree so that the recipe's weights fit; its grid, labels and augmentation may be others."""
    for column in ("encoder", "representation"):
        if row[column] != arm[column]:
            raise InvalidInput(
                f"{place}: its {column} is {arm[column]} but recipe {recipe} has {row[column]}; "
                "weights fit only the network and input that they were trained with"
            )
    ours, theirs = (plugins.constant(plugins.LOSSES, each["loss"], "OUTPUTS") for each in (arm, row))
    if ours != theirs:
        raise InvalidInput(
            f"{place}: its loss {arm['loss']} has {ours} outputs but that of recipe {recipe}, {row['loss']}, has "
            f"{theirs}; weights fit only a network of as many outputs"
        )
