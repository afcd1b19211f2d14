"""
Give a process another root: what the stand-in for apptainer does for real. Runs inside the node, on python 3.6 and newer.

The new root is a tmpfs of bind mounts in a mount namespace of its own, in a user namespace too where the caller is not
root, with the caller's own uid. Mount points an image lacks are made in the tmpfs, as apptainer's underlay does; the
image itself is never written to.
"""
import ctypes
import errno
import os
import stat

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
# What a mount of another user namespace has locked must be said again when it is mounted once more (mount_namespaces(7)).
_KEPT = ((os.ST_NOSUID, MS_NOSUID), (os.ST_NODEV, MS_NODEV), (os.ST_NOEXEC, MS_NOEXEC), (os.ST_RDONLY, MS_RDONLY),
         (os.ST_NOATIME, 1024), (os.ST_NODIRATIME, 2048), (os.ST_RELATIME, 1 << 21))
_libc = ctypes.CDLL(None, use_errno=True)


def _call(what, result):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, "%s: %s" % (what, os.strerror(number)))


def _mount(source, target, kind, flags, data=None):
    _call("mount %s->%s" % (source, target), _libc.mount(
        os.fsencode(source), os.fsencode(target), kind, ctypes.c_ulong(flags), data))


def _bind(source, target, readOnly, recursive=True):
    """Mount a file or a directory once more, elsewhere."""
    _mount(source, target, None, MS_BIND | (MS_REC if recursive else 0))
    if readOnly:
        flags = os.statvfs(target).f_flag
        kept = sum(mountFlag for statFlag, mountFlag in _KEPT if flags & statFlag and mountFlag != MS_RDONLY)
        _mount("none", target, None, MS_REMOUNT | MS_BIND | MS_RDONLY | kept)


def enterNamespaces(userNamespace):
    """
    Leave the caller's mount namespace, and its user namespace where that takes it or is wanted.

    :param userNamespace: bool, whether it is wanted
    :raises OSError: when this machine allows neither
    """
    uid, gid = os.getuid(), os.getgid()
    if uid != 0 or userNamespace or _libc.unshare(CLONE_NEWNS) != 0:
        _call("unshare", _libc.unshare(CLONE_NEWUSER | CLONE_NEWNS))
        for name, text in (("setgroups", "deny"), ("uid_map", "%d %d 1" % (uid, uid)), ("gid_map", "%d %d 1" % (gid, gid))):
            with open("/proc/self/" + name, "w") as handle:
                handle.write(text)
    _mount("none", "/", None, MS_REC | MS_PRIVATE)


class ContainerRoot(object):
    """
    A new root, put together from an image and what is bound into it.

    :param image: str, directory of the unpacked image
    :param session: str, an empty directory of the caller's to mount the root on
    """

    def __init__(self, image, session):
        self.image, self.session = image, session
        self.own = set()  # devices of the tmpfs made here, where mount points may be made
        self.mounts = {}  # path inside -> (source or None for a tmpfs, whether read-only), in the order they are wanted

    def add(self, source, target, readOnly=False):
        """
        Want something bound into the root; it is mounted by enter().

        :param source: str, path outside; None for an empty tmpfs
        :param target: str, absolute path inside
        :param readOnly: bool
        """
        target = os.path.normpath("/" + target.lstrip("/"))
        self.mounts.pop(target, None)
        self.mounts[target] = (source, readOnly)

    def enter(self):
        """
        Put the root together and make it this process's own.

        :raises OSError: when something cannot be mounted, or a mount point is missing in a directory of the machine
        """
        self._tmpfs(self.session, 0o755)
        self._underlay("/")
        for target, (source, readOnly) in self.mounts.items():
            place = self._place(target, source is None or os.path.isdir(source))
            if source is None:
                self._tmpfs(place, 0o1777)
            else:
                _bind(source, place, readOnly)
        _mount("none", self.session, None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)
        os.chroot(self.session)
        os.chdir("/")

    def _tmpfs(self, place, mode):
        _mount("tmpfs", place, b"tmpfs", MS_NOSUID | MS_NODEV, b"mode=%o" % mode)
        self.own.add(os.stat(place).st_dev)

    def _underlay(self, inside):
        """Lay out a directory of the image: whole where no mount point is missing in it, else entry by entry."""
        source, place = self.image + inside, self.session + inside
        for name in sorted(os.listdir(source)):
            path = os.path.join(inside, name)
            kind = os.lstat(self.image + path).st_mode
            if stat.S_ISLNK(kind):
                os.symlink(os.readlink(self.image + path), self.session + path)
            elif stat.S_ISDIR(kind):
                os.mkdir(self.session + path)
                if self._lacksPoint(path):
                    self._underlay(path)
                else:
                    _bind(self.image + path, self.session + path, True)
            elif stat.S_ISREG(kind):
                os.close(os.open(self.session + path, os.O_CREAT | os.O_WRONLY, 0o644))
                _bind(self.image + path, self.session + path, True)
        os.chmod(place, 0o755)

    def _lacksPoint(self, path):
        """Tell whether something is wanted below a directory of the image where it has nothing."""
        below = [target for target in self.mounts if target.startswith(path + "/")]
        return any(not os.path.lexists(self.image + target) for target in below)

    def _place(self, target, isDirectory):
        """Find the mount point of a path inside, or make it; links are followed inside the root."""
        place, left = self.session, target.strip("/").split("/")
        while left:
            step = os.path.join(place, left.pop(0))
            if os.path.islink(step):
                link = os.readlink(step)
                step = os.path.normpath(self.session + link if link.startswith("/") else os.path.join(place, link))
            if not os.path.lexists(step):
                if os.stat(place).st_dev not in self.own:
                    raise OSError(errno.ENOENT, "mount %s error: destination %s doesn't exist in container" % (target, target))
                if left or isDirectory:
                    os.mkdir(step)
                else:
                    os.close(os.open(step, os.O_CREAT | os.O_WRONLY, 0o644))
            place = step
        return place
