"""
How much of a job report is read and kept: a hostile or broken one costs no more than this.
"""
import attr

KILO = 1024
MEGA = 1024 * 1024


def _positive(instance, attribute, value):
    """Refuse a limit that would let nothing through."""
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError("the limit %s must be a whole number above 0, found %r" % (attribute.name, value))


@attr.s(frozen=True)
class Limits(object):
    """
    Hold the limits of one reading; `attr.evolve(limits, maxBytes=...)` changes one.

    :param maxBytes: int, bytes of a file that is read at all. Reports of real jobs have 0.1 to 0.3 MB, the largest
        merges of thousands of inputs some 100 MB; above that it is no report but a disk filling up.
    :param maxMessage: int, characters kept of an error's message: half from the start, where cmsRun names the
        exception, half from the end, where it names what it was doing. WMCore's reports carry it through databases.
    :param maxElementBytes: int, bytes of one direct child of the root. The largest real ones are the Branches and the
        lumis of a File, some 100 kB; libxml2 refuses texts above 10 MB unless told otherwise, this is above that.
    :param maxDepth: int, nesting. Reports nest 6 deep (root, File, Runs, Run, LumiSection); libxml2 stops at 256.
    :param maxElements: int, direct children of the root that a model keeps; a report of 100 MB has some 10,000.
    :param blockBytes: int, bytes read from the file at a time.
    """
    maxBytes = attr.ib(default=256 * MEGA, validator=_positive)
    maxMessage = attr.ib(default=32 * KILO, validator=_positive)
    maxElementBytes = attr.ib(default=64 * MEGA, validator=_positive)
    maxDepth = attr.ib(default=64, validator=_positive)
    maxElements = attr.ib(default=1000000, validator=_positive)
    blockBytes = attr.ib(default=64 * KILO, validator=_positive)
