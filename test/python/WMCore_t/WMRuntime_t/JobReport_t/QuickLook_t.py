"""Tests of JobReport/QuickLook: the words of a failure are found wherever they are."""
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from WMCore.WMRuntime.JobReport import QuickLook
from WMCore.WMRuntime.JobReport.QuickLook import MAX_PLACES, WORDS, findWords
from WMCore_t.Counts import examples

LISTS = [b"<Branches><Branch>" + name * 8 + b"</Branch></Branches>" for name in (b"abcdefgh", b"ExitStatus", b"x")]
PIECES = st.lists(st.sampled_from(LISTS * 2 + list(WORDS) + [b"Exit", b"Status", b"<Branches>", b"</Branches>", b"x" * 9]),
                  max_size=20).map(b"".join)


@settings(deadline=None, max_examples=examples(300))
@given(PIECES, st.integers(30, 400))
def test_eachWordOutsideOfARepeatedListIsFoundOnceWhereItIs(data, blockBytes):
    before, QuickLook.BLOCK_BYTES = QuickLook.BLOCK_BYTES, blockBytes
    try:
        places = findWords(io.BytesIO(data), 1 << 30)
    finally:
        QuickLook.BLOCK_BYTES = before
    assert len(set(places)) == len(places) <= MAX_PLACES
    assert all(data.startswith(word.encode("ascii"), offset) for offset, word in places)
    if len(places) < MAX_PLACES:
        assert {word for _, word in places} == {word.decode("ascii") for word in WORDS if word in data}
        # A list that is a repetition says nothing new.
        outside = data.replace(LISTS[1], b"|" * len(LISTS[1]))
        assert {(at, word.decode("ascii")) for word in WORDS for at in range(len(outside))
                if outside.startswith(word, at)} <= set(places)
