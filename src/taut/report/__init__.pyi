from .evidence import Evidence as Evidence
from .html import page as page
from .terminal import table as table
