"""What runs a step on the worker node, one module for each kind of step."""
import pkgutil

# The same package further down sys.path (upstream WMCore) supplies the modules that are not here.
__path__ = pkgutil.extend_path(__path__, __name__)
