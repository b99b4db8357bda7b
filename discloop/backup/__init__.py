"""Backup and restore of a home: one consistent cut, sealed where a key is given, checked on the way back."""
