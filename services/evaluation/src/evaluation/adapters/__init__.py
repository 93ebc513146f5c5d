"""Evaluation's tables, repositories, views, and the report as a page."""
