"""Enrollment on PostgreSQL."""
