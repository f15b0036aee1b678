"""What a network sees of a pair, one representation a file.

A plug-in has ``CHANNELS`` and ``represent(pairs)``: from [N, 2, X, Y, Z] (prior, current; z-scored inside the brain,
0 outside) to [N, CHANNELS, X, Y, Z]. Augmentation acts on the pair, before this.
"""
