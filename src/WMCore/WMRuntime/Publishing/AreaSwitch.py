"""
Which build of an area jobs see: a link, replaced in one step.

The builds of rhel8_x86_64 lie as builds/rhel8_x86_64-1, -2 and so on beside the link. They stay, until AreaPruning takes
them: jobs go on with the files they started with, and going back is making the link again.
"""
import os
import re

import attr

from WMCore.WMRuntime.Errors import WMRuntimeError

BUILDS = "builds"
_BUILD = re.compile(r"(rhel[1-9][0-9]?_[a-z0-9_]+)-([1-9][0-9]{0,8})\Z")


@attr.s(frozen=True)
class AreaSwitch(object):
    """
    Hold the place of one area.

    :param folder: str, directory that holds the areas, <root>/<area path>
    :param name: str, such as rhel8_x86_64
    """
    folder = attr.ib(type=str)
    name = attr.ib(type=str)

    @property
    def link(self):
        """Give the path jobs come by."""
        return os.path.join(self.folder, self.name)

    def directory(self, build):
        """
        Give the path of a build.

        :param build: int
        :return: str
        """
        return os.path.join(self.folder, self._target(build))

    @property
    def lock(self):
        """Give the path of the lock that whoever makes or removes builds holds (see areaLock)."""
        return os.path.join(self.folder, BUILDS, ".%s.lock" % self.name)

    def holding(self, path):
        """
        Tell in which build something lies, links followed.

        :param path: str
        :return: int, the number of the build, which need not be there any more; None for none of this area
        """
        builds = os.path.realpath(os.path.join(self.folder, BUILDS)) + os.sep
        place = os.path.realpath(path)
        return self._number(place[len(builds):].split(os.sep)[0]) if place.startswith(builds) else None

    def builds(self):
        """
        List the builds there are.

        :return: list of int, the oldest first
        """
        folder = os.path.join(self.folder, BUILDS)
        found = [self._number(name) for name in (os.listdir(folder) if os.path.isdir(folder) else ())]
        return sorted(number for number in found if number is not None)

    def current(self):
        """
        Tell which build jobs see.

        :return: int, None when there is no area yet
        :raises WMRuntimeError: when there is an area that nobody published from here
        """
        if not os.path.lexists(self.link):
            return None
        found = os.readlink(self.link) if os.path.islink(self.link) else "a directory"
        folder, _slash, name = found.rpartition("/")
        number = self._number(name)
        if folder != BUILDS or number is None:
            raise WMRuntimeError(None, "The area %s was not published from here." % self.link,
                                 "expected a link to one of its builds, %s/%s-N, found %s" % (BUILDS, self.name, found),
                                 "choose another --area-path, or move it away and publish again")
        return number

    def show(self, build):
        """
        Let jobs see a build, from one moment to the next.

        :param build: int
        :raises WMRuntimeError: when there is no such build, or it cannot be shown
        """
        self.current()
        if build not in self.builds():
            raise WMRuntimeError(None, "There is no build %d of %s." % (build, self.name),
                                 "%s: found %s" % (os.path.join(self.folder, BUILDS),
                                                   ", ".join(str(number) for number in self.builds()) or "none"),
                                 "look with `wmruntime area list`")
        temporary = "%s.tmp-%d" % (os.path.join(self.folder, BUILDS, self.name), os.getpid())
        try:
            os.symlink(self._target(build), temporary)
            os.rename(temporary, self.link)
        except OSError as ex:
            raise WMRuntimeError(None, "The area %s cannot be switched to build %d." % (self.link, build), str(ex),
                                 "see whether the directory can be written (on CVMFS: inside a transaction)")
        finally:
            if os.path.lexists(temporary):
                os.unlink(temporary)

    def rollback(self, build=None):
        """
        Go back to the build before the one jobs see, or to a certain one.

        :param build: int, None for the one before
        :return: tuple of two int, the build shown until now and the one shown from now on
        :raises WMRuntimeError: when there is none to go back to
        """
        current = self.current()
        older = [number for number in self.builds() if current is not None and number < current]
        if build is None and not older:
            raise WMRuntimeError(None, "There is nothing to go back to for %s." % self.link,
                                 "it shows %s, and no older build is there" % (
                                     "build %d" % current if current else "none"),
                                 "look with `wmruntime area list`, name one by --to")
        build = older[-1] if build is None else build
        self.show(build)
        return current, build

    def _target(self, build):
        return "%s/%s-%d" % (BUILDS, self.name, build)

    def _number(self, name):
        found = _BUILD.match(name)
        return int(found.group(2)) if found and found.group(1) == self.name else None


def publishedAreas(folder):
    """
    List the areas that have builds.

    :param folder: str, directory that holds the areas, <root>/<area path>
    :return: list of AreaSwitch, in order of their names
    """
    builds = os.path.join(folder, BUILDS)
    found = [_BUILD.match(name) for name in (os.listdir(builds) if os.path.isdir(builds) else ())]
    names = {one.group(1) for one in found if one}
    return [AreaSwitch(folder, name) for name in sorted(names, key=lambda name: (len(name.split("_")[0]), name))]
