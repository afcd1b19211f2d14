"""
Names that one of python 2 and 3 alone has: modules of the standard library, their attributes, built-ins.
"""
PYTHON2, PYTHON3 = "python2", "python3"

_ONLY2 = ("BaseHTTPServer", "CGIHTTPServer", "ConfigParser", "Cookie", "HTMLParser", "MimeWriter", "Queue",
          "SimpleHTTPServer", "SimpleXMLRPCServer", "SocketServer", "StringIO", "Tkinter", "UserDict", "UserList",
          "UserString", "__builtin__", "anydbm", "cPickle", "cStringIO", "commands", "compiler", "cookielib",
          "copy_reg", "dbhash", "dircache", "dl", "dumbdbm", "dummy_thread", "exceptions", "fpformat",
          "future_builtins", "gdbm", "htmlentitydefs", "htmllib", "httplib", "ihooks", "imputil", "md5", "mhlib",
          "mimetools", "mimify", "multifile", "mutex", "new", "popen2", "posixfile", "repr", "rfc822", "robotparser",
          "sets", "sgmllib", "sha", "statvfs", "stringold", "strop", "thread", "tkMessageBox", "toaiff", "urllib2",
          "urlparse", "user", "whichdb", "xmlrpclib")
_ONLY3 = ("_thread", "asyncio", "builtins", "concurrent", "configparser", "contextvars", "copyreg", "dataclasses",
          "ensurepip", "enum", "faulthandler", "graphlib", "html", "http", "ipaddress", "lzma", "pathlib", "queue",
          "reprlib", "secrets", "selectors", "socketserver", "statistics", "tkinter", "tomllib", "tracemalloc",
          "typing", "unittest.mock", "urllib.error", "urllib.parse", "urllib.request", "urllib.response", "venv",
          "winreg", "xmlrpc", "zipapp", "zoneinfo")
ONLY = dict([(name, PYTHON2) for name in _ONLY2] + [(name, PYTHON3) for name in _ONLY3])

_ATTRIBUTES2 = {"itertools": ("izip", "imap", "ifilter", "izip_longest", "ifilterfalse"),
                "string": ("maketrans", "letters", "lowercase", "uppercase", "join", "split", "atoi", "atof", "replace",
                           "strip", "upper", "lower"),
                "urllib": ("urlopen", "urlencode", "quote", "unquote", "quote_plus", "unquote_plus", "urlretrieve"),
                "os": ("getcwdu", "popen2", "popen3"), "sys": ("maxint", "setdefaultencoding"),
                "types": ("StringType", "ListType", "DictType", "IntType", "StringTypes", "TupleType")}
_ATTRIBUTES3 = {"itertools": ("zip_longest", "accumulate", "filterfalse"), "functools": ("lru_cache", "singledispatch"),
                "urllib": ("request", "parse", "error"), "shutil": ("which",), "os": ("scandir", "replace"),
                "collections": ("ChainMap",), "contextlib": ("ExitStack", "suppress", "redirect_stdout"),
                "__future__": ("annotations", "generator_stop", "barry_as_FLUFL")}
#: (module, attribute) to the python that has it.
ONLY_ATTRIBUTES = dict([((module, name), which) for table, which in ((_ATTRIBUTES2, PYTHON2), (_ATTRIBUTES3, PYTHON3))
                        for module, names in table.items() for name in names])

#: Built-ins that python 3 dropped.
BUILTINS2 = frozenset(["apply", "basestring", "buffer", "coerce", "execfile", "file", "intern", "long", "raw_input",
                       "reduce", "reload", "unichr", "unicode", "xrange"])

#: Modules of python 3 that a tool of a release brings to python 2 (cmsdist's py2-* packages): py2-future and the
#: backports. CMSSW's own code of 10_6 imports builtins.
BACKPORTS = {"builtins": "py2-future", "copyreg": "py2-future", "html": "py2-future", "http": "py2-future",
             "queue": "py2-future", "reprlib": "py2-future", "socketserver": "py2-future", "tkinter": "py2-future",
             "winreg": "py2-future", "xmlrpc": "py2-future", "_thread": "py2-future",
             "configparser": "py2-configparser",
             "concurrent": "py2-futures", "enum": "py2-enum34", "ipaddress": "py2-ipaddress", "typing": "py2-typing"}


def onlyIn(module):
    """
    Say which python a module belongs to.

    :param module: str, dotted
    :return: (PYTHON2 or PYTHON3, the name in the table); (None, module) for one that both have, or nobody knows
    """
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        name = ".".join(parts[:count])
        if name in ONLY:
            return ONLY[name], name
    return None, module
