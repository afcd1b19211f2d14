"""Tests of Release/ToolManifest, ManifestXml and Conditionals."""
import glob
import os
import random
import sys

import pytest

from WMCore.WMRuntime.Release import Conditionals
from WMCore.WMRuntime.Release.Conditionals import patternCost
from WMCore.WMRuntime.Release.ManifestXml import MAX_ATTRIBUTES, MAX_BYTES
from WMCore.WMRuntime.Release.ToolManifest import MAX_STEPS, ManifestError, parseManifest, readManifests
from WMCore_t.WMRuntime_t.Release_t.ReleaseTrees import ARCHS, DATA, manifestPath, write

REAL = sorted(glob.glob(os.path.join(DATA, "*", "*", "*.xml")) + glob.glob(os.path.join(DATA, "*", "Self.xml")))


@pytest.fixture
def parse(tmp_path):
    """Give a function that parses the inside of a tool, or a whole text."""
    def parser(text, arch="el8_amd64_gcc12", release="CMSSW_13_0_3", whole=False, **variables):
        text = text if whole else '<tool name="probe" version="1.2-abc">%s</tool>' % text
        return parseManifest(write(str(tmp_path / "probe.xml"), text), arch, release, variables)
    return parser


@pytest.mark.parametrize("release, tool, version, base, libs, uses", [
    ("CMSSW_8_0_31", "python", "2.7.11", "slc6_amd64_gcc530/external/python/2.7.11-mlhled2", ("python2.7",),
     ("root_cxxdefaults", "sockets")),
    ("CMSSW_10_6_30", "python", "2.7.14", "slc7_amd64_gcc700/external/python/2.7.14-pafccj", ("python2.7",),
     ("root_cxxdefaults", "sockets")),
    ("CMSSW_10_6_30", "python3", "3.6.4", "slc7_amd64_gcc700/external/python3/3.6.4-pafccj", ("python3.6m",), ("sockets",)),
    ("CMSSW_12_0_0", "python", "2.7.15",
     "slc7_amd64_gcc900/external/python/2.7.15-68774c5c3e8988df74a2c2c5bb5077eb", ("python2.7",),
     ("root_cxxdefaults", "sockets")),
    ("CMSSW_12_0_0", "python3", "3.9.6",
     "slc7_amd64_gcc900/external/python3/3.9.6-c52f5b3ce3a6d6e62a854ac16bea85df", ("python3.9",), ("sockets",)),
    ("CMSSW_13_0_3", "python3", "3.9.14",
     "el8_amd64_gcc12/external/python3/3.9.14-dae520ab426d4baef0679fe32b4e1d39", ("python3.9",), ("sockets",)),
    ("CMSSW_13_0_3", "py3-pip", "21.1.2",
     "el8_amd64_gcc12/external/py3-pip/21.1.2-1e90623a73fe4159ecad53dfeb214987", (), ())])
def test_theRealManifestsSayWhatTheyAreKnownToSay(release, tool, version, base, libs, uses):
    manifest = parseManifest(manifestPath(release, tool), ARCHS[release], release)
    base = "/cvmfs/cms.cern.ch/" + base
    assert (manifest.name, manifest.upstreamVersion, manifest.base) == (tool, version, base)
    assert (manifest.libs, manifest.uses, manifest.hasClient) == (libs, uses, True)
    assert manifest.paths("PATH") == (base + "/bin",)
    assert manifest.unresolved == manifest.ignored == ()


def test_everyRealManifestIsReadWithoutALeftOver():
    assert len(REAL) == 36
    for path in REAL:
        places = {} if path.endswith("Self.xml") else None
        if places is not None:
            places = {"LOCALTOP": "/area", "RELEASETOP": "/release"}
        manifest = parseManifest(path, "el8_amd64_gcc12", "CMSSW_13_0_3", places)
        assert manifest.name and manifest.ignored == () and manifest.unresolved == ()


def test_theManifestOfABaseReleaseNamesItWithTheArchPutIn():
    manifest = parseManifest(manifestPath("CMSSW_13_0_3_patch1", "cmssw"), "el8_amd64_gcc12", "CMSSW_13_0_3_patch1")
    base = "/cvmfs/cms.cern.ch/el8_amd64_gcc12/cms/cmssw/CMSSW_13_0_3"
    assert (manifest.kind, manifest.base, manifest.version) == ("scram", base, "CMSSW_13_0_3")
    assert manifest.environment["LIBDIR"] == (base + "/biglib/el8_amd64_gcc12", base + "/lib/el8_amd64_gcc12")
    assert manifest.paths("PATH") == (base + "/bin/el8_amd64_gcc12",)
    assert [entry.value for entry in manifest.runtime if entry.name == "CMSSW_FULL_RELEASE_BASE"] == [base]
    assert [entry.handler for entry in manifest.runtime if entry.name == "ROOT_INCLUDE_PATH"] == ["", "warn"]


def test_eachTagAndAttributeIsTaken(parse):
    manifest = parse('<info url="http://x"/><lib name="a" type="t"/><use name="Root"/><flags CXX="-O2 $W" comment="c"/>'
                     '<flags CXX="-g"/><runtime name="N" value="v" join="1" handler="WARN"/>', W="-w")
    assert (manifest.url, manifest.libs, manifest.uses, manifest.flags) == ("http://x", ("a",), ("root",),
                                                                            {"CXX": ("-O2 -w", "-g")})
    entry = manifest.runtime[0]
    assert (entry.name, entry.value, entry.isPath, entry.handler, entry.join) == ("N", "v", False, "warn", "1")
    assert manifest.hasClient is False


def test_variablesComeFromEarlierLinesInEveryWritingAndTheRestIsNamed(parse):
    manifest = parse('<environment name="B" value="/b"/><environment name="C" value="$B/${B}/$(B)/$LATER$GIVEN"/>'
                     '<environment name="LATER" value="x"/>', GIVEN="/g")
    assert manifest.environment["C"] == ("/b//b//b/$LATER/g",)
    assert manifest.unresolved == ("LATER",)


def test_aVariableThatNamesItselfIsNotFollowedForEver(parse):
    manifest = parse('<environment name="A" value="$A:x"/><environment name="A" value="$A:y"/>')
    assert manifest.environment["A"] == ("$A:x", "$A:x:y")


def test_defaultWinsOverValue(parse):
    assert parse('<environment name="A" value="v" default="d"/>').environment == {"A": ("d",)}


@pytest.mark.parametrize("condition, holds", [
    ('ifarchitecture name="el8_"', True), ('architecture name="slc7|el8"', True), ('ifarchitecture name="!el8"', False),
    ('ifarchitecture value="el8"', False), ('ifarchitecture value="el8_amd64_gcc12"', True),
    ('ifarchitecture value="!el8"', True), ('ifarch name="x86_64"', True), ('ifarch match="aarch64"', False),
    ('ifos name="linux"', True), ('ifos name="darwin"', False), ('release name="_ASAN_"', False),
    ('ifrelease name="^CMSSW_1[0-9]_"', True), ('ifrelease match="CMSSW_[0-9]+_[0-9]+_[0-9]+"', True),
    ('ifrelease name="^(?!CMSSW_12)"', True), ('ifcompiler name="gcc"', True), ('compiler name="llvm"', False),
    ('ifversion name="^1[.]"', True), ('ifversion name="^2"', False), ('ifproject value="CMSSW"', True)])
def test_conditionalsAreDecidedByTheReleaseAsScramDoes(parse, condition, holds):
    tag = condition.split()[0]
    manifest = parse('<%s><lib name="yes"/><else/><lib name="no"/></%s>' % (condition, tag))
    assert manifest.libs == (("yes",) if holds else ("no",))


@pytest.mark.parametrize("arch, lib", [("slc6_amd64_gcc530", "a"), ("slc7_amd64_gcc700", "b"), ("el8_amd64_gcc12", "c")])
def test_elifAndElseTakeTheRest(parse, arch, lib):
    text = '<ifarchitecture name="slc6_"><lib name="a"/><elif name="slc7_"/><lib name="b"/><else/><lib name="c"/></ifarchitecture>'
    assert parse(text, arch=arch).libs == (lib,)


def test_conditionalsNest(parse):
    text = '<ifrelease name="CMSSW"><client><ifarchitecture name="el8"><environment name="A" value="1"/><else/>' \
           '<environment name="A" value="2"/></ifarchitecture></client></ifrelease>'
    assert parse(text).environment == {"A": ("1",)}
    assert parse(text, arch="slc7_amd64_gcc700").environment == {"A": ("2",)}


def test_aConditionalByToolLooksForItsManifestBesideThisOne(parse, tmp_path):
    text = '<iftool name="Cuda"><lib name="yes"/><else/><lib name="no"/></iftool>'
    assert parse(text).libs == ("no",)
    write(str(tmp_path / "cuda.xml"), "<tool name='cuda'/>")
    assert parse(text).libs == ("yes",)


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "us-ascii"])
def test_aDeclaredEncodingIsTaken(parse, encoding):
    text = '<?xml version="1.0" encoding="%s"?>\n<tool name="\u00fc" version="1"/>' % encoding
    if encoding == "us-ascii":
        text = text.replace("\u00fc", "u")
    manifest = parse(text.encode(encoding), whole=True)
    assert manifest.name in ("\u00fc", "u")


@pytest.mark.parametrize("text, reason", [
    (b"", "has no <tool"), (b"<tool", "well-formed"), (b"<tool name='a'>", "well-formed"), (b"<other/>", "has no <tool"),
    (b"<tool version='1'/>", "has no <tool"), (b"\xff\xfe<\x00t\x00", "is not utf-8"), (b"<tool name='\xff'/>", "is not utf-8"),
    (b'<?xml version="1.0" encoding="UTF-7"?><tool name="a"/>', "is written in utf-7"),
    (b"<tool name='a'>\x00</tool>", "well-formed"), (b"</root><root><tool name='a'/>", "well-formed"),
    (b"<tool name='a'><lib/></tool>", "<lib> without a name"), (b"<tool name='a'><else/></tool>", "outside a conditional"),
    (b"<tool name='a'><runtime name='b'/></tool>", "without a value"),
    (b"<tool name='a'><ifrelease/></tool>", "without value, match or name"),
    (b"<tool name='a'><ifrelease name='('/></tool>", "which is no pattern"),
    (b"<tool name='a'><ifrelease name='(a+)+$'/></tool>", "too costly"),
    (b"<tool name='a'><ifrelease name='" + b"(.|[^x])" * 24 + b"'/></tool>", "too costly"),
    (b"<tool name='a'>&nbsp;</tool>", "well-formed"), (b"<tool name='a'><iftool name='../x'/></tool>", "name of a tool"),
    (b"<client>" * 40 + b"</client>" * 40, "has no <tool"),
    (b"<tool name='a'><flags " + b"".join(b"a%d='' " % i for i in range(3000)) + b"/></tool>", "attributes"), (b" " * (MAX_BYTES + 1), "more than"),
    (b"<tool name='a'>" + b"<client>" * 40 + b"</client>" * 40 + b"</tool>", "nested deeper")])
def test_whatIsNoManifestIsOneClearError(parse, text, reason, tmp_path):
    with pytest.raises(ManifestError) as caught:
        parse(text, whole=True)
    error = caught.value
    assert error.code == 50513 and reason in error.context and str(tmp_path / "probe.xml") in error.context
    assert error.hint and "expected a SCRAM tool manifest" in error.context


@pytest.mark.parametrize("text", [
    '<!DOCTYPE tool [<!ENTITY a "boom">]><tool name="t"><lib name="&a;"/></tool>',
    '<?xml version="1.0"?><!DOCTYPE tool SYSTEM "http://127.0.0.1:9/x.dtd"><tool name="t"/>',
    '<!DOCTYPE t [<!ENTITY f SYSTEM "file:///etc/passwd">]><tool name="t"><lib name="l">&f;</lib></tool>',
    '<!DOCTYPE t [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]><tool name="&c;"/>'])
def test_aDocumentTypeIsRefusedAndNoEntityExpanded(parse, text):
    for form in (text, text.encode("utf-8"), b"\xef\xbb\xbf" + text.encode("utf-8")):
        with pytest.raises(ManifestError) as caught:
            parse(form, whole=True)
        assert "has no document type" in caught.value.context
    for encoding in ("utf-16", "utf-16-be", "utf-32", "utf-7"):
        with pytest.raises(ManifestError):
            parse(text.encode(encoding), whole=True)


def test_theFiveEntitiesOfXmlItselfAreRead(parse):
    assert parse('<lib name="&lt;&amp;&gt;&#x41;"/>').libs == ("<&>A",)


def test_valuesThatDoubleWithEachLineEndInAnError(parse):
    lines = '<environment name="A" value="0123456789"/>' + '<environment name="A" value="$A$A"/>' * 20
    with pytest.raises(ManifestError) as caught:
        parse(lines)
    assert "values of more than" in caught.value.context


def test_aMissingFileADirectoryAndAPipeAreErrorsAndNotWaitedFor(tmp_path):
    os.mkfifo(str(tmp_path / "pipe"))
    os.symlink("gone", str(tmp_path / "dangling"))
    for name, reason in (("missing", "cannot be read"), ("", "is no plain file"), ("pipe", "is no plain file"),
                         ("dangling", "cannot be read")):
        with pytest.raises(ManifestError) as caught:
            parseManifest(str(tmp_path / name))
        assert reason in caught.value.context


def test_oneBrokenManifestDoesNotHideTheOthers(tmp_path):
    write(str(tmp_path / "good.xml"), '<tool name="good" version="1"/>')
    write(str(tmp_path / "bad.xml"), "<tool")
    write(str(tmp_path / "note.txt"), "<tool")
    tools, problems = readManifests(str(tmp_path))
    assert sorted(tools) == ["good"] and len(problems) == 1 and "bad.xml" in problems[0].context
    assert readManifests(str(tmp_path / "missing")) == ({}, ())


def mutated(random_, data, pieces):
    """Change a manifest here and there, sometimes by what is known to hurt a parser."""
    data = bytearray(data)
    for _ in range(random_.randint(1, 6)):
        place = random_.randrange(len(data) + 1)
        kind = random_.randrange(5)
        if kind == 0:
            del data[place:place + random_.randint(1, 40)]
        elif kind == 1:
            data[place:place] = bytes([random_.randrange(256)])
        elif kind == 2:
            data[place:place] = random_.choice(pieces)
        elif kind == 3:
            other = random_.randrange(len(data) + 1)
            data[place:place] = data[other:other + random_.randint(1, 200)]
        else:
            data[place:place] = data[place:place + 30] * random_.randint(2, 60)
    return bytes(data)


PIECES = [b"<else/>", b"<elif name='x'/>", b"</tool>", b"<tool name='t'>", b"<!DOCTYPE a>", b"<!ENTITY a 'b'>", b"&a;", b"]]>",
          b"<![CDATA[", b"<!--", b"-->", b"<?x y?>", b"$PYTHON3_BASE" * 50, b"<ifrelease name='(.*)*x'>", b"</ifrelease>",
          b"<ifarchitecture match='.*.*.*!'/>", b"\x00", b"\xff", b"xmlns='u'", b"a:b='c'", b"'", b'"', b"<client>" * 300]


class Work(object):
    """Count what reading manifests costs: calls of functions, of python or C, and what a pattern may cost."""

    def __init__(self, monkeypatch):
        self.calls = self.steps = 0
        search = Conditionals._matches

        def matches(pattern, value, spend):
            answer = search(pattern, value, spend)
            self.steps += patternCost(pattern, value[:100])
            return answer
        monkeypatch.setattr(Conditionals, "_matches", matches)

    def of(self, action):
        """Do it; return its outcome, a ManifestError when it raised one."""
        self.calls = self.steps = 0
        before = sys.getprofile()
        sys.setprofile(self._count)
        try:
            outcome = action()
        except ManifestError as ex:
            outcome = ex
        finally:
            sys.setprofile(before)
        return outcome

    def _count(self, _frame, event, _argument):
        self.calls += event in ("call", "c_call")


@pytest.fixture
def work(monkeypatch):
    """Count work."""
    return Work(monkeypatch)


@pytest.mark.parametrize("count", [400, pytest.param(10000, marks=pytest.mark.slow)])
def test_mutatedManifestsGiveAnAnswerOrOneClearErrorAndTakeLimitedWork(count, tmp_path, work):
    chooser = random.Random(20210707)
    texts = []
    for path in REAL:
        with open(path, "rb") as handle:
            texts.append(handle.read())
    path = str(tmp_path / "mutated.xml")
    answers = errors = 0
    for _ in range(count):
        text = mutated(chooser, chooser.choice(texts), PIECES)
        write(path, text)
        outcome = work.of(lambda: parseManifest(path, "el8_amd64_gcc12", "CMSSW_13_0_3"))
        assert work.calls < 20000 and work.steps <= MAX_STEPS
        if isinstance(outcome, ManifestError):
            errors += 1
            assert path in outcome.context and outcome.hint
        else:
            answers += 1
            assert b"<!DOCTYPE" not in text and outcome.name
    assert answers > count / 50 and errors > count / 50


@pytest.mark.parametrize("text", [
    "<tool name='a'>" + "<a/>" * 30000 + "</tool>",
    "<tool name='a'><flags " + " ".join("a%x=''" % i for i in range(MAX_ATTRIBUTES - 2)) + "/></tool>",
    "<tool name='a' " + " ".join("xmlns:a%x='b%x'" % (i, i) for i in range(MAX_ATTRIBUTES - 2)) + "/>",
    "<tool name='a'><lib name='" + "".join("$a%x " % i for i in range(15000)) + "'/></tool>",
    "<tool name='a'><lib name='x'/><environment name='A' value='" + "".join("$a%x " % i for i in range(15000)) + "'/></tool>",
    "<tool name='a'>" + "<ifrelease name='.*.*.*x$'/>" * 2000 + "</tool>",
    "<tool name='a'>" + "".join("<ifrelease name='%dabcd.*'/>" % i for i in range(2400)) + "</tool>",
    "<tool name='a'>" + "<iftool name='z'/>" * 2400 + "</tool>",
    "<tool name='a'><environment name='A' value='" + "$" * 120000 + "'/></tool>",
    "<tool name='a'>" + "<client>" * 7000 + "</client>" * 7000 + "</tool>",
    "<a>" * 15000 + "</a>" * 15000, "<" * 120000, "<?xml " + " " * 120000, "<!--" * 30000])
def test_theWorstThatFitsIntoTheLimitsTakesLimitedWork(parse, text, work):
    assert len(text) <= MAX_BYTES
    work.of(lambda: parse(text, whole=True, release="CMSSW_13_0_3_" + "a" * 100))
    assert work.calls < 250000 and work.steps <= MAX_STEPS
