from pellucid.api import Comparison as Comparison
from pellucid.api import Explanation as Explanation
from pellucid.api import InputError as InputError
from pellucid.api import compare as compare
from pellucid.api import explain as explain

__version__: str
