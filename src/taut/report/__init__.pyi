from .evidence import Evidence as Evidence
from .page import page as page
from .terminal import table as table
