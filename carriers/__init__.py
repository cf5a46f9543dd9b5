"""Carriers: one small file each. `carriers.sdk` is what such a file may import."""
