"""Test the one clear error of a module that needs WMCore where WMCore is not."""
import pytest

from WMCore.WMRuntime.NeedsWMCore import WMCoreMissing, needsWMCore


@pytest.mark.parametrize("missing", ["WMCore.NoSuchModule", "Utils.NoSuchModule", "PSetTweaks.NoSuchModule"])
def test_theErrorNamesTheModuleWhatIsMissingAndWhatToDo(missing):
    with pytest.raises(WMCoreMissing) as caught:
        with needsWMCore("WMCore.WMRuntime.Some"):
            raise ModuleNotFoundError("No module named %r" % missing, name=missing)
    text = str(caught.value)
    assert text.startswith("WMCore.WMRuntime.Some needs WMCore") and "no module %s" % missing in text
    assert "what to do: put wmcore and future on the path" in text


def test_aRealImportThatFailsGivesIt():
    with pytest.raises(WMCoreMissing, match="no module WMCore.NoSuchModule"):
        with needsWMCore("WMCore.WMRuntime.Some"):
            import WMCore.NoSuchModule  # pylint: disable=import-error,unused-import


def test_whoeverImportsTheModuleAsAnOptionNeedNotKnowTheError():
    assert issubclass(WMCoreMissing, ImportError)


def test_theInnermostModuleIsTheOneThatIsNamed():
    with pytest.raises(WMCoreMissing, match="^WMCore.WMRuntime.Inner needs"):
        with needsWMCore("WMCore.WMRuntime.Outer"):
            with needsWMCore("WMCore.WMRuntime.Inner"):
                import WMCore.NoSuchModule  # pylint: disable=import-error,unused-import


@pytest.mark.parametrize("error", [ModuleNotFoundError("No module named 'pycurl'", name="pycurl"),
                                   ModuleNotFoundError("without a name"),
                                   ImportError("cannot import name", name="WMCore"), SyntaxError("in WMCore")])
def test_anotherErrorIsNotBlamedOnWMCore(error):
    with pytest.raises(type(error)) as caught:
        with needsWMCore("WMCore.WMRuntime.Some"):
            raise error
    assert caught.value is error


def test_whatImportsIsLeftAlone():
    with needsWMCore("WMCore.WMRuntime.Some"):
        from WMCore.WMRuntime import Errors
    assert Errors.EXIT_CODES
