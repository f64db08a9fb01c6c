"""Models of other libraries as log densities."""
