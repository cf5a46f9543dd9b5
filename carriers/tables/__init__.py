"""Long code tables, one module for each carrier whose table outgrew its file. Knows no payload."""
