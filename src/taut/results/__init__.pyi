from .density import DensityFit as DensityFit
from .formula import FormulaFit as FormulaFit
from .latent import LatentFit as LatentFit
from .regression import RegressionFit as RegressionFit
