"""The world, the policies and the bound that `benchmarks/freshness.py` compares."""
