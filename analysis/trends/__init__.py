"""Trends: questions about many checkpoints at once, each judged by a rule that was measured to hold."""
