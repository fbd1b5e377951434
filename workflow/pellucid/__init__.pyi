from pellucid.api import Comparison as Comparison
from pellucid.api import Explanation as Explanation
from pellucid.api import InputError as InputError
from pellucid.api import ModelView as ModelView
from pellucid.api import compare as compare
from pellucid.api import explain as explain
from pellucid.api import view as view

__version__: str
