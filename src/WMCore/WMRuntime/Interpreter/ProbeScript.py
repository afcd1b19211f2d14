"""
Run inside a candidate interpreter: say what it is, between two cookies.

    python -c <this text> START END MODULE...

The text has to parse on every python from 2.6 on, or an old one would die of a SyntaxError instead of
saying its version. The cookies come as arguments and are printed backwards, so that neither a shell that
echoes its command line nor a site's banner is taken for the answer.
"""
import os
import sys


def asText(value):
    """Return what json can carry, of text that may be undecodable bytes on python 2."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value or ""


def missingModules(names):
    """Import the modules; return what failed, a dict of name to error."""
    failed = {}
    for name in names:
        try:
            __import__(name)
        except BaseException:  # a module of a broken site may even call sys.exit
            failed[name] = asText(repr(sys.exc_info()[1]))
    return failed


def describe(modules):
    """Return what is to be known of the running interpreter, a dict."""
    import platform
    return {"version": list(sys.version_info[:3]),
            "level": sys.version_info[3],
            "implementation": platform.python_implementation(),
            "executable": asText(sys.executable),
            "prefix": asText(sys.prefix),
            "missing": missingModules(modules)}


def main(arguments):
    """Write the answer with one call, past whatever a site has put in place of sys.stdout."""
    start, end = arguments[0][::-1], arguments[1][::-1]
    # Modules beside the caller are not the interpreter's own.
    sys.path[:] = [path for path in sys.path if path]
    import json
    answer = "%s%s%s\n" % (start, json.dumps(describe(arguments[2:])), end)
    try:
        sys.stdout.flush()
    except Exception:
        pass
    os.write(1, answer.encode("ascii"))


if __name__ == "__main__":
    main(sys.argv[1:])
