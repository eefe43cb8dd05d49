"""The report: one HTML file that shows a zoo, every number with its chance, its data and its question."""
