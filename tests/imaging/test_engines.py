"""A numerical failure is a reason; any other error stays one."""

import numpy as np
import pytest

from gliodelta.imaging import engines
from gliodelta.status import Excluded


@pytest.mark.parametrize("matrix", [np.zeros((4, 4)), np.diag([1, 1, 1, np.nan])])
def test_singular_and_not_finite_exclude(matrix):
    with pytest.raises(Excluded, match="it fails"):
        engines.call("it fails", np.linalg.inv, matrix)


def test_what_is_finite_is_returned_and_a_bug_is_no_exclusion():
    np.testing.assert_array_equal(engines.call("it fails", np.linalg.inv, np.eye(4)), np.eye(4))
    with pytest.raises(ZeroDivisionError):
        engines.call("it fails", lambda: 1 / 0)


def test_a_library_that_gives_up_excludes():
    with pytest.raises(Excluded, match="it fails"), engines.foreign("it fails"):
        raise RuntimeError("All samples map outside moving image buffer")


@pytest.mark.parametrize(
    "fault", [RuntimeError("Failed to allocate memory for image."), RuntimeError("std::bad_alloc"), MemoryError()]
)
def test_a_library_without_memory_fails_the_job(fault):
    with pytest.raises(type(fault)), engines.foreign("it fails"):
        raise fault
