"""The loop replayed on labelled data with simulated readers: what does ranking save?"""
