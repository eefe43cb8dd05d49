"""Words and parameters that several metrics of the list share."""

from __future__ import annotations

from compute.metric_facts import Form, Parameter

K = Parameter("k", 10, "how many neighbours count", low=1)
SIGMA = Parameter("sigma", 1.0, "width of the Gaussian, in units", low=1e-6)
KERNELS = ("cosine", "inner")
ROWS = ("cosine", "inner", "euclidean")

HUH = "Huh et al. 2024, arXiv 2405.07987"
RELEASED = f"{HUH}, released code"
KORNBLITH = "Kornblith et al. 2019, arXiv 1905.00414"
NEIGHBOURHOOD = "rotation, scale, one order of items for both; all that keeps the order of similarities"
LINEAR = (
    "rotation, scale, one order of items for both; shift under 'inner' (under 'cosine' a shift turns rows)"
)
MASKED = "rotation, scale, one order of items for both; not shift: 'centre' is a recipe of its own"
LISTS = "one look at each list entry, through inverted lists"
TRIANGLE = "one inner product of stored triangles"
OWN_CHANCE = "the same for all pairs of embeddings: hypergeometric, exactly"
EPSILON = "with 1e-6 in the denominator"

CENTRED = Form("centred kernel")
UNBIASED = Form("u-centred kernel")
GAUSSIAN = Form("centred gaussian kernel", ("sigma", "unit"))
MASKED_KERNEL = Form("kernel on neighbours", ("k",))
