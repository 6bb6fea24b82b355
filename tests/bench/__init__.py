"""The harness that measures: that it measures at all, not how fast anything is."""
