"""Matching's tables, repositories and views upon PostgreSQL, and the processes that solve."""
