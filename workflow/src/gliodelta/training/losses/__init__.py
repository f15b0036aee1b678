"""What a network is trained to lower, one loss a file.

A plug-in has
    OUTPUTS                        outputs of the network, 1 or 2,
    build(targets, weights, weak)  looks once at the whole training set and returns
                                   ``loss(outputs, targets, weights, weak)``, a scalar tensor,
    score(outputs)                 turns outputs [N, OUTPUTS] into scores [N]: the higher, the likelier is unstable.

Targets [N] go from 0 (stable) to 1 (unstable) and lie between them for an unsure label; weights [N] say how much each
map counts; `weak`, bool [N], whether a label is a report's. All are on one device. Scores are log odds of unstable for
classes that are equally common; the two published losses have the published scores.
"""
