"""Label Studio projects, one a person and plane, and the projection of people and projects to the guard."""
