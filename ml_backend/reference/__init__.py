"""The one-stage network of Wang et al. 2025 (doi 10.3389/fbioe.2025.1526478), each change switchable."""
