"""Stand-ins for gfal-copy and gfal-rm between local files. Runs inside the node, on any python from 2.7."""
import argparse
import os
import shutil
import sys
import zlib


def localPath(url):
    """
    Take the path out of a file URL.

    :param url: str, `file:///a/b` or a plain path
    :return: str
    :raises ValueError: for any other protocol, none of which the node has
    """
    if url.startswith("file://"):
        return url[len("file://"):]
    if "://" in url:
        raise ValueError("protocol of %s not supported or path/url invalid: this node copies local files only" % url)
    return url


def adler32(path):
    """
    Compute a file's checksum the way grid storage states it.

    :param path: str
    :return: str, eight hexadecimal digits
    """
    value = 1
    with open(path, "rb") as handle:
        for block in iter(lambda: handle.read(1 << 20), b""):
            value = zlib.adler32(block, value)
    return "%08x" % (value & 0xffffffff)


def copy(arguments):
    """
    Copy one file: to a temporary name, checked, then renamed.

    :param arguments: list of str, as gfal-copy takes them
    :return: int, exit code
    """
    parser = argparse.ArgumentParser(prog="gfal-copy")
    parser.add_argument("-t", "--timeout", type=int)
    parser.add_argument("-T", "--transfer-timeout", type=int)
    parser.add_argument("-p", "--parent", action="store_true")
    parser.add_argument("-f", "--force", action="store_true")
    parser.add_argument("-v", "--verbose", action="count", default=0)
    parser.add_argument("--abort-on-failure", action="store_true")
    parser.add_argument("-K", "--checksum")
    parser.add_argument("-S", "--src-spacetoken")
    parser.add_argument("-D", "--dst-spacetoken")
    parser.add_argument("source")
    parser.add_argument("target")
    options = parser.parse_args(arguments)
    source, target = localPath(options.source), localPath(options.target)
    if os.path.exists(target) and not options.force:
        return _fail("gfal-copy", 17, "Destination file exists and overwrite is not enabled: %s" % target)
    if options.parent and not os.path.isdir(os.path.dirname(target)):
        os.makedirs(os.path.dirname(target))
    temporary = "%s.gfal%d" % (target, os.getpid())
    try:
        shutil.copyfile(source, temporary)
        kind, _, expected = (options.checksum or "").lower().partition(":")
        if kind == "adler32" and adler32(temporary) != (expected or adler32(source)):
            return _fail("gfal-copy", 5, "SOURCE and DESTINATION checksum do not match: %s" % source)
        os.rename(temporary, target)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)
    sys.stdout.write("Copying %s   [DONE]\n" % options.source)
    return 0


def remove(arguments):
    """
    Remove files.

    :param arguments: list of str, as gfal-rm takes them
    :return: int, exit code
    """
    parser = argparse.ArgumentParser(prog="gfal-rm")
    parser.add_argument("-t", "--timeout", type=int)
    parser.add_argument("-v", "--verbose", action="count", default=0)
    parser.add_argument("urls", nargs="+")
    for url in parser.parse_args(arguments).urls:
        if not os.path.exists(localPath(url)):
            sys.stdout.write("%s\tMISSING\n" % url)
            return _fail("gfal-rm", 2, "No such file or directory: %s" % url)
        os.unlink(localPath(url))
        sys.stdout.write("%s\tDELETED\n" % url)
    return 0


def _fail(program, code, text):
    sys.stderr.write("%s error: %d - %s\n" % (program, code, text))
    return code


def main(log, program, arguments):
    """
    Run a command and record it.

    :param log: str, the node's log of calls
    :param program: str, "gfal-copy" or "gfal-rm"
    :param arguments: list of str
    :return: int, exit code
    """
    from CallLog import recordCall
    try:
        code = {"gfal-copy": copy, "gfal-rm": remove}[program](arguments)
    except (EnvironmentError, ValueError) as error:
        code = _fail(program, getattr(error, "errno", None) or 22, str(error))
    except SystemExit as wrongArguments:
        code = wrongArguments.code
    recordCall(log, program, arguments, code)
    return code


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
