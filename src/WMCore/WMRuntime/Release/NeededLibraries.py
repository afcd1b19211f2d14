"""
Which shared libraries an ELF file asks for, and where it has them looked for: its dynamic section.

The format is that of the System V ABI (elf(5)); the file is read in a few small pieces, each checked.
"""
import os
import struct

_MAX_HEADERS, _MAX_DYNAMIC, _MAX_NAME, _MAX_NEEDED = 512, 1024 * 1024, 256, 1000
_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_RPATH, _DT_RUNPATH = 0, 1, 5, 15, 29


class ElfError(Exception):
    """Say that a file is no ELF file to be read, and why."""


def readNeeded(path):
    """
    List the libraries a program or library needs.

    :param path: str
    :return: tuple of str, such as ("libpython3.9.so.1.0", "libc.so.6"); empty for a static program
    :raises ElfError: when it cannot be read or is no ELF file
    """
    return _read(path, lambda elf: tuple(text for _offset, text in elf.strings((_DT_NEEDED,))))


def readRunPaths(path):
    """
    List the search paths for libraries that are written into a program or library.

    :param path: str
    :return: tuple of (int place of the text in the file, str directories separated by colons)
    :raises ElfError: when it cannot be read or is no ELF file
    """
    return _read(path, lambda elf: elf.strings((_DT_RPATH, _DT_RUNPATH)))


def _read(path, question):
    try:
        # A pipe would be waited for.
        if os.path.exists(path) and not os.path.isfile(path):
            raise ElfError("is no plain file")
        with open(path, "rb") as handle:
            return question(_Elf(handle))
    except (OSError, ValueError, OverflowError) as ex:
        raise ElfError("%s cannot be read: %s" % (path, ex))
    except struct.error as ex:
        raise ElfError("%s is cut short: %s" % (path, ex))
    except ElfError as ex:
        raise ElfError("%s %s" % (path, ex))


class _Elf(object):
    """An open ELF file, of 32 or 64 bits, of either byte order."""

    def __init__(self, handle):
        self._handle = handle
        ident = handle.read(16)
        if ident[:4] != b"\x7fELF" or len(ident) < 16 or ident[4] not in (1, 2) or ident[5] not in (1, 2):
            raise ElfError("is no ELF file")
        self._is64 = ident[4] == 2
        self._order = "<" if ident[5] == 1 else ">"

    def _unpack(self, layout32, layout64, data, offset=0):
        return struct.unpack_from(self._order + (layout64 if self._is64 else layout32), data, offset)

    def _readAt(self, offset, size):
        self._handle.seek(offset)
        return self._handle.read(size)

    def _segments(self):
        """Give (type, offset, address, size in the file) of each program header."""
        header = self._readAt(16, 48)
        _type, _machine, _version, _entry, start, _sections, _flags, _size, width, count = \
            self._unpack("HHIIIIIHHH", "HHIQQQIHHH", header)
        if count > _MAX_HEADERS or width < (56 if self._is64 else 32):
            raise ElfError("has %d program headers of %d bytes" % (count, width))
        table = self._readAt(start, count * width)
        segments = []
        for index in range(count):
            if self._is64:
                kind, _flags, offset, address, _physical, size = self._unpack("", "IIQQQQ", table, index * width)
            else:
                kind, offset, address, _physical, size = self._unpack("IIIII", "", table, index * width)
            segments.append((kind, offset, address, size))
        return segments

    def strings(self, wanted):
        """Give the texts of the entries with the wanted tags, each with its place in the file."""
        segments = self._segments()
        dynamic = next((segment for segment in segments if segment[0] == _PT_DYNAMIC), None)
        if dynamic is None:
            return ()
        names, table = [], None
        for tag, value in self._entries(dynamic):
            if tag in wanted:
                names.append(value)
            elif tag == _DT_STRTAB:
                table = value
        if not names:
            return ()
        if table is None or len(names) > _MAX_NEEDED:
            raise ElfError("has %d such entries and %s string table" % (len(names), "no" if table is None else "a"))
        start = self._fileOffset(segments, table)
        return tuple((start + name, self._string(start + name)) for name in names)

    def _entries(self, dynamic):
        _kind, offset, _address, size = dynamic
        if size > _MAX_DYNAMIC:
            raise ElfError("has a dynamic section of %d bytes" % size)
        data = self._readAt(offset, size)
        width = 16 if self._is64 else 8
        for position in range(0, len(data) - width + 1, width):
            tag, value = self._unpack("iI", "qQ", data, position)
            if tag == _DT_NULL:
                return
            yield tag, value

    @staticmethod
    def _fileOffset(segments, address):
        for kind, offset, start, size in segments:
            if kind == _PT_LOAD and start <= address < start + size:
                return address - start + offset
        raise ElfError("has its string table in no segment")

    def _string(self, offset):
        data, zero, _rest = self._readAt(offset, _MAX_NAME).partition(b"\0")
        if not zero:
            raise ElfError("names a library of more than %d bytes" % _MAX_NAME)
        return data.decode("utf-8", "replace")
