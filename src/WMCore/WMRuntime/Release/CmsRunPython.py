"""
Which python a release's cmsRun embeds, by a ladder of evidence from its files.
"""
import attr


@attr.s(frozen=True)
class PythonAnswer(object):
    """
    Hold which python cmsRun embeds and how that is known.

    :param major: int, 2 or 3; None when nothing tells
    :param rung: int, the rung of the ladder that decided, 1 to 5; 0 for the release's name alone or nothing
    :param reasons: tuple of str, what each rung looked at and saw, in order
    :param sure: bool, False when the deciding evidence is known to have been wrong for some releases
    """
    major = attr.ib()
    rung = attr.ib(default=0)
    reasons = attr.ib(default=())
    sure = attr.ib(default=False)
