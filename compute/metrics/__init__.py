"""One module per metric; kernels import torch and numpy only (numba inside the path that uses it)."""
