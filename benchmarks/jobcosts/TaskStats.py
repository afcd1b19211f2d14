"""
Learn from the kernel, when a process ends, how much CPU it used, also when nobody waits for it.

Generic netlink's family TASKSTATS tells of every thread of the machine that ends, with the inode of the program it
ran: that is how a process is known to be the job's. Needs root, and Linux 5.19, whose structure has that inode.

Numbers and structures: <linux/genetlink.h>, <linux/taskstats.h>, Documentation/accounting/taskstats.rst.
"""
import os
import socket
import struct

import attr

NETLINK_GENERIC, GENL_ID_CTRL, NLMSG_ERROR, NLM_F_REQUEST, NLM_F_ACK = 16, 16, 2, 1, 4
CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 3, 1, 2
# <asm-generic/socket.h>; more than the usual limit allows, so that no message is lost.
SO_RCVBUFFORCE = 33
TASKSTATS_CMD_GET, REGISTER_CPUMASK, AGGR_PID, STATS = 1, 3, 4, 3
# The first version of struct taskstats with ac_exe_inode.
VERSION = 12
_HEADER, _GENERIC, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=BBH"), struct.Struct("=HH")
# Offsets into struct taskstats.
_PID, _UTIME, _STIME, _RUN, _TGID, _DEVICE = 128, 152, 160, 72, 368, 384
NEEDED = _DEVICE + 16


@attr.s(frozen=True)
class EndedThread(object):
    """
    Hold what the kernel told of a thread that ended.

    :param pid: int, process it belonged to
    :param program: int, inode of the program it ran
    :param cpu: float, seconds
    """
    pid = attr.ib(type=int)
    program = attr.ib(type=int)
    cpu = attr.ib(type=float)


def attributes(data):
    """
    Split a row of netlink attributes.

    :param data: bytes
    :return: dict of int type to bytes
    """
    found, offset = {}, 0
    while offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size:
            break
        found[kind & 0x3fff] = data[offset + _ATTRIBUTE.size:offset + length]
        offset += (length + 3) & ~3
    return found


def readStats(data):
    """
    Read a struct taskstats.

    :param data: bytes
    :return: EndedThread, or None when it is of a kernel that tells less
    """
    if len(data) < NEEDED or struct.unpack_from("=H", data)[0] < VERSION:
        return None
    run, = struct.unpack_from("=Q", data, _RUN)
    user, system = struct.unpack_from("=QQ", data, _UTIME)
    # Nanoseconds on a processor where the kernel counts them, else microseconds by the clock's ticks.
    return EndedThread(struct.unpack_from("=I", data, _TGID)[0], struct.unpack_from("=Q", data, _DEVICE + 8)[0],
                       run / 1e9 if run else (user + system) / 1e6)


class TaskStats(object):
    """
    Listen.

    :raises OSError: when the kernel has no such thing or gives it to root only
    """

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.socket.bind((0, 0))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)
        family = attributes(self._request(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, b"TASKSTATS\0"))
        self.family, = struct.unpack("=H", family[CTRL_ATTR_FAMILY_ID])
        with open("/sys/devices/system/cpu/possible", "rb") as handle:
            self._request(self.family, TASKSTATS_CMD_GET, REGISTER_CPUMASK, handle.read().strip() + b"\0")
        self.socket.setblocking(False)

    def _request(self, family, command, kind, value):
        """Send, and give the answer's attributes; an acknowledgement has none."""
        body = _GENERIC.pack(command, 1, 0) + _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value
        body += bytes(-len(body) % 4)
        self.socket.send(_HEADER.pack(_HEADER.size + len(body), family, NLM_F_REQUEST | NLM_F_ACK, 1, 0) + body)
        answer = b""
        while True:
            data = self.socket.recv(1 << 16)
            length, found, _, _, _ = _HEADER.unpack_from(data)
            if found == NLMSG_ERROR:
                number = -struct.unpack_from("=i", data, _HEADER.size)[0]
                if number:
                    raise OSError(number, "taskstats: %s" % os.strerror(number))
                return answer
            answer = data[_HEADER.size + _GENERIC.size:length]

    def ended(self):
        """
        Take what has arrived.

        :return: iterator of EndedThread
        :raises OSError: ENOBUFS when some was lost
        """
        while True:
            try:
                data = self.socket.recv(1 << 16)
            except BlockingIOError:
                return
            length, family, _, _, _ = _HEADER.unpack_from(data)
            if family == self.family:
                aggregate = attributes(data[_HEADER.size + _GENERIC.size:length]).get(AGGR_PID)
                found = readStats(attributes(aggregate).get(STATS, b"")) if aggregate else None
                if found:
                    yield found

    def close(self):
        """Listen no more; the kernel forgets who closes."""
        self.socket.close()
