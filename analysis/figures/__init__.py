"""Figures: pure functions from rows to Vega-Lite specifications, and what saves them."""
