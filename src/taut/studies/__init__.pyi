from .compare import compare_on_toy as compare_on_toy
from .toys import Toy as Toy
