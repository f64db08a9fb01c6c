from .bundled import load_bundled as load_bundled
from .columns import Column as Column
from .design import Design as Design
from .labels import Labels as Labels
from .supervised import Supervised as Supervised
from .supervised import prepare as prepare
from .tables import read_table as read_table
from .tables import split_target as split_target
