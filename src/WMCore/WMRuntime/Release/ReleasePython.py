"""
The pythons of a release, from its tool manifests and from the links in its external/ directory.
"""
import attr


@attr.s(frozen=True)
class ReleasePython(object):
    """
    Hold one python of a release.

    :param tool: str, the tool that brings it: python (which is python 2, always) or python3; empty when only
        a link in external/ speaks of it
    :param major: int, 2 or 3
    :param version: tuple of int, such as (3, 9, 14); only what is known: (3, 9), (3,) or ()
    :param base: str, the directory it is installed in; None when no manifest names one
    :param path: str, of the interpreter; where it should be when it is not there; None when nothing says where
    :param exists: bool, whether path is a file that may be executed
    :param where: str, `external` (a link of the release), `base` (the tool's own directory), `missing`
    :param reasons: tuple of str, what was looked at and what was seen
    """
    tool = attr.ib()
    major = attr.ib()
    version = attr.ib(default=())
    base = attr.ib(default=None)
    path = attr.ib(default=None)
    exists = attr.ib(default=False)
    where = attr.ib(default="missing")
    reasons = attr.ib(default=())
