"""Dictated and hastily typed words: the known word that an unknown one misses by a single slip."""

import functools

SHORTEST = 7  # letters; among shorter words one slip leads to other good words ("stable", "table") too often
VOWELS = frozenset("aeiouyh")


class Speller:
    """Corrects misspelt words to a vocabulary by its words' spellings with one letter left out."""

    def __init__(self, vocabulary, other=()):
        """Takes the words to correct to, and `other` good words that are one slip away from them."""
        self._words = frozenset(vocabulary)
        self._other = frozenset(other)
        self._without = {}
        for word in sorted(self._words):
            if len(word) >= SHORTEST:
                for cut in _cuts(word):
                    self._without.setdefault(cut, word)
        # Reports of a hospital share their words; the bound keeps memory flat.
        self.correct = functools.lru_cache(maxsize=50_000)(self._correct)

    def _correct(self, word):
        """Returns the word of the vocabulary that `word` misses by one letter left out, added, changed or swapped.

        A French article that sticks to its noun ("loedeme") comes off. Other words are returned as they are.
        """
        if word in self._words or word in self._other or not word.isalpha():
            return word
        if word[0] in "ld" and word[1:2] and word[1] in VOWELS and word[1:] in self._words and len(word) > 4:
            return word[1:]
        if len(word) < SHORTEST:
            return word
        if word in self._without:
            return self._without[word]
        for cut in _cuts(word):
            if len(cut) >= SHORTEST and cut in self._words:
                return cut
            near = self._without.get(cut)
            if near and len(near) == len(word) and _one_slip(word, near):
                return near
        return word


def _cuts(word):
    return [word[:place] + word[place + 1 :] for place in range(len(word))]


def _one_slip(one, other):
    """Whether two words of one length differ by one letter, or by two neighbours swapped."""
    places = [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    if len(places) == 1:
        return True
    return len(places) == 2 and places[1] == places[0] + 1 and one[places[0]] == other[places[1]]
