"""Which series of an exam is taken as its T2, and why: ranked by attributes, then checked in its image."""

from collections import Counter, defaultdict
from typing import Any, NamedTuple

from gliodelta.ingest.appearance import look
from gliodelta.ingest.series import after_contrast_agent, describe, fat_suppressed, is_3d, kind
from gliodelta.status import Excluded

# A brain measures 140 mm from top to bottom: slices that cover more show no more of it. Protocols of one site differ
# by a few slices.
WHOLE_BRAIN_MM, SAME_COVERAGE = 140, 0.85
# A repeated series is planned anew, so that its voxels may differ by some percent; protocols differ by more.
SAME_VOXELS = 1.1


class Choice(NamedTuple):
    """The series that is taken.

    Attributes:
        series: `gliodelta.ingest.headers.Series`.
        image: (array, affine) of it.
        found: how many series the exam has.
        candidates: how many series could be the T2 by their headers.
        why: why it was chosen and why each other was not, in numbers and standard words.
    """

    series: Any
    image: tuple
    found: int
    candidates: int
    why: str


class Candidate(NamedTuple):
    """A series that is a T2 by its header, and its `gliodelta.ingest.series.Kind`."""

    series: Any
    kind: Any


def choose(series, convert):
    """Finds the T2 series of an exam.

    Of several, each of `CRITERIA` leaves those that meet it best; of equals the last is taken, since series are
    repeated when the patient moved. What its header leaves open, and whether it is a T2 of a head at all, is looked up
    in its image; when that speaks against it, or it is damaged, the next one's turn has come.

    Args:
        series: list of `gliodelta.ingest.headers.Series`.
        convert: function that returns (array, affine) of a series, or raises `Excluded`.

    Returns:
        `Choice`.

    Raises:
        Excluded: none is a T2 that can be used, or the two best differ in nothing.
    """
    kinds = [(one, kind(one)) for one in series]
    candidates = [Candidate(*one) for one in kinds if one[1].name == "T2"]
    others = [(one, _named(shown)) for one, shown in kinds if shown.name != "T2"]
    found = len({one.identity for one in series})
    if not candidates:
        names = Counter(name for _, name in {(one.identity, shown.name) for one, shown in kinds})
        counts = ", ".join(f"{count} {name}" for name, count in sorted(names.items()))
        raise Excluded(f"no T2 series among {found}: {counts}")
    refused = []
    remaining = candidates
    while remaining:
        best, behind = best_of(remaining)
        try:
            image = convert(best.series)
            remarks = _check(best, look(*image))
        except Excluded as fault:
            refused.append((best.series, str(fault)))
            remaining = [one for one in remaining if one is not best]
            continue
        rank = "the only T2" if len(candidates) == 1 else f"best of {len(candidates)} T2"
        why = _explain(rank, remarks, others + refused + behind)
        return Choice(best.series, image, found, len(candidates), why)
    if len(refused) == 1:
        raise Excluded(refused[0][1])
    raise Excluded(f"none of {len(refused)} T2 series can be used: {_listed(refused)}")


def prefer(series):
    """Returns the series that `choose` would take first, by the headers alone; None when there is none."""
    candidates = [Candidate(one, found) for one in series if (found := kind(one)).name == "T2"]
    try:
        return best_of(candidates)[0].series if candidates else None
    except Excluded:
        return None


def best_of(candidates):
    """Returns the best of the candidates, and of each other (series, why it comes after).

    Raises:
        Excluded: the two best differ in nothing.
    """
    behind = []
    for keep, reason in CRITERIA:
        kept = keep(candidates)
        behind += [(one.series, f"T2, {reason(one, kept[0])}") for one in candidates if one not in kept]
        candidates = kept
    if len(candidates) > 1:
        raise Excluded(
            f"ambiguous: {len(candidates)} equally good T2 series ({describe(candidates[0].series)}) of the same time "
            "and number; let the exam's source be a folder with one of them"
        )
    return candidates[0], behind


def _lowest(key):
    """A criterion: those with the lowest value of `key`, a function of a candidate."""

    def keep(candidates):
        lowest = min(map(key, candidates))
        return [one for one in candidates if key(one) == lowest]

    return keep


def _distrust(candidate):
    doubts = [doubt for doubt in candidate.kind.doubts if not doubt.slight]
    return 0 if not doubts else 1 if all(doubt.presumed for doubt in doubts) else 2


def _geometry(candidate):
    # 2-D axial is what nearly all exams have, and its contrast differs from that of 3-D fast spin echo, so that exams
    # of a patient are alike. 3-D comes second in any plane, since it can be resampled without loss; then the others.
    series = candidate.series
    return 1 if is_3d(series) else 0 if series.plane == "axial" else 2


def _geometry_reason(candidate, best):
    words = [("3-D" if is_3d(one.series) else f"2-D {one.series.plane}") for one in (candidate, best)]
    return f"{words[0]}, which comes after {words[1]}"


def _undistorted(candidate):
    # Siemens scanners send both; corrected ones fit together wherever the head lay in the magnet.
    return not candidate.series.image_type & {"DIS2D", "DIS3D"}


def _cover(candidates):
    covered = {id(one): min(one.series.coverage, WHOLE_BRAIN_MM) for one in candidates}
    most = max(covered.values())
    return [one for one in candidates if covered[id(one)] >= SAME_COVERAGE * most]


def _resolve(candidates):
    smallest = min(one.series.voxel_mm3 for one in candidates)
    return [one for one in candidates if one.series.voxel_mm3 <= SAME_VOXELS * smallest]


def _last(candidates):
    times = [one.series.acquired for one in candidates]
    # One time that is missing makes the others worthless.
    times = times if None not in times else [0] * len(times)
    numbers = [(time, one.series.number or 0) for time, one in zip(times, candidates, strict=True)]
    return [one for one, number in zip(candidates, numbers, strict=True) if number == max(numbers)]


# In this order: (candidates -> those that remain, (candidate, best) -> why the candidate is behind).
CRITERIA = (
    (_lowest(_distrust), lambda one, _: f"doubtful: {_doubts(one)}"),
    (_lowest(lambda one: after_contrast_agent(one.series)), lambda *_: "after a contrast agent"),
    (_lowest(lambda one: fat_suppressed(one.series)), lambda *_: "fat-suppressed"),
    (_lowest(_geometry), _geometry_reason),
    (_lowest(_undistorted), lambda *_: "not corrected for distortion"),
    (_cover, lambda one, best: f"covers {one.series.coverage:.0f} mm against {best.series.coverage:.0f} mm"),
    (_lowest(lambda one: len(one.kind.doubts)), lambda one, _: f"doubtful: {_doubts(one)}"),
    (_resolve, lambda one, best: f"voxels of {one.series.voxel_mm3:.1f} against {best.series.voxel_mm3:.1f} mm3"),
    (_last, lambda *_: "acquired earlier than an equal one"),
)


def _check(candidate, seen):
    """Returns remarks on a candidate whose image is a T2 of a head; raises `Excluded` when it is not."""
    if seen.head is False:
        raise Excluded(f"{seen.words}; so it is no T2 of the brain")
    if seen.fluid == "dark":
        raise Excluded(f"fluid is dark in the image, as on FLAIR or T1, whatever the header says ({seen.words})")
    settled = {"contrast": seen.fluid == "bright", "head": seen.head is True}
    for doubt in candidate.kind.doubts:
        if not doubt.presumed and not settled[doubt.about]:
            wanted = {"contrast": "fluid that is bright as on T2", "head": "a head"}[doubt.about]
            raise Excluded(f"doubtful ({doubt.text}), and the image does not show {wanted}")
    remarks = [doubt.text for doubt in candidate.kind.doubts]
    remarks += ["after a contrast agent"] if after_contrast_agent(candidate.series) else []
    remarks += ["fat-suppressed"] if fat_suppressed(candidate.series) else []
    plane = candidate.series.plane
    remarks += [plane] if plane != "axial" else []
    return [*remarks, f"fluid is bright in its image ({seen.words})" if seen.fluid else "its image does not tell"]


def _named(shown):
    return f"{shown.name} ({shown.numbers})" if shown.numbers else shown.name


def _doubts(candidate):
    return " and ".join(doubt.text for doubt in candidate.kind.doubts)


def _explain(rank, remarks, others):
    return "; ".join([rank, *remarks]) + (f". Not taken: {_listed(others)}" if others else "")


def _listed(reasons):
    """Returns (series, reason) pairs in words, those with the same reason together."""
    together = defaultdict(list)
    for series, reason in reasons:
        together[reason].append(series.number)
    parts = []
    for reason, numbers in together.items():
        named = sorted({number for number in numbers if number is not None})
        names = f"series {', '.join(map(str, named))}" if named else f"{len(numbers)} series without number"
        parts.append(f"{names}: {reason}")
    return "; ".join(parts)
