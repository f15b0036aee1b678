"""What a network sees of a pair, one representation a file.

A plug-in has
    CHANNELS          channels of the encoder's input,
    represent(pairs)  from [N, 2, X, Y, Z] (prior, current; z-scored inside the brain, 0 outside) to the encoder's input
                      [N, CHANNELS, X, Y, Z]; augmentation acts on the pair, before this,
and, where exams are compared only after the encoder's features,
    compare(features, shape, outputs)  a network with the parts `features` (the encoder's) and `head` (another one),
                      called with the input and with the days between the exams [N].
Every encoder goes with every representation.

    name                   channels  blind to
    absolute-difference           1  the direction of a change, the anatomy, the interval; as published
    signed-difference             1  the anatomy, the interval
    pair                          2  the interval
    pair-and-difference           3  the interval
    siamese                       1  nothing
"""
