"""Patients, studies and units, as curation's manifest names them."""
