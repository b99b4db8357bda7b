"""The Label Studio language: labelling configurations, and the codec between its JSON and findings."""
