"""
What the first bytes of a program or a shared library say: for which CPU it is, and whether it is all there.
"""
import os
import struct

from WMCore.WMRuntime.Environment.PlainFile import openPlain

# e_machine of the System V ABI (elf(5)), as `uname -m` names the CPU; ppc64le is 21 with the low byte first.
_MACHINES = {3: "i686", 21: "ppc64", 62: "x86_64", 183: "aarch64", 243: "riscv64"}
_HEAD = 64
_MOST_SEGMENTS = 1024


class _Header(object):
    """The fields of an ELF header that matter here."""

    def __init__(self, data):
        self.is64 = data[4] == 2
        order = "<" if data[5] == 1 else ">"
        self.machine = struct.unpack_from(order + "H", data, 18)[0]
        self.low = data[5] == 1
        if self.is64:
            self.offset, self.size, self.count = (struct.unpack_from(order + "Q", data, 32)[0],) + struct.unpack_from(
                order + "HH", data, 54)
            self._segment = order + "QQQQ"  # p_offset, p_vaddr, p_paddr, p_filesz behind p_type and p_flags
        else:
            self.offset, self.size, self.count = (struct.unpack_from(order + "I", data, 28)[0],) + struct.unpack_from(
                order + "HH", data, 42)
            self._segment = order + "IIII"  # the same behind p_type

    def end(self, table):
        """Give the offset behind the last byte of a table's segments."""
        ends = [0]
        for number in range(self.count):
            offset, _, _, size = struct.unpack_from(self._segment, table, number * self.size + (8 if self.is64 else 4))
            ends.append(offset + size)
        return max(ends)


def _readHeader(handle):
    data = handle.read(_HEAD)
    if data[:4] != b"\x7fELF":
        return None
    if len(data) < 52 or data[4] not in (1, 2) or data[5] not in (1, 2) or (data[4] == 2 and len(data) < _HEAD):
        raise ValueError("its ELF header is cut short or damaged")
    return _Header(data)


def elfMachine(path):
    """
    Tell for which CPU a file is.

    :param path: str
    :return: str, as `uname -m` names it; None when it is no ELF file
    :raises OSError: when it cannot be read, or is no regular file
    :raises ValueError: when it begins as an ELF file and is none
    """
    with openPlain(path) as handle:
        header = _readHeader(handle)
    if header is None:
        return None
    name = _MACHINES.get(header.machine, "ELF machine %d" % header.machine)
    return "ppc64le" if name == "ppc64" and header.low else name


def whyNotWhole(path):
    """
    Tell what is missing of a program or library that has to be an ELF file.

    :param path: str
    :return: str, empty when every segment its header names is in the file
    :raises OSError: when it cannot be read, or is no regular file
    """
    with openPlain(path) as handle:
        size = os.fstat(handle.fileno()).st_size
        try:
            header = _readHeader(handle)
            if header is None:
                return "it is no ELF file"
            if header.count > _MOST_SEGMENTS:
                return "its ELF header names %d segments" % header.count
            handle.seek(header.offset)
            end = header.end(handle.read(header.size * header.count))
        except (ValueError, OverflowError) as ex:
            return str(ex)
        except struct.error:
            return "its table of segments is cut short"
    return "" if end <= size else "it has %d bytes, its segments end at %d" % (size, end)
