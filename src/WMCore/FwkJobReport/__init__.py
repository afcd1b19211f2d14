"""WMCore's job report: a shared package; upstream WMCore owns all but the parser of cmsRun's report here."""
import pkgutil

# The same package further down sys.path (upstream WMCore) supplies the modules that are not here.
__path__ = pkgutil.extend_path(__path__, __name__)
