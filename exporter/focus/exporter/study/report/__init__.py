"""A study's report: tables, plots, example maps and claims, from the runs that are there."""

from focus.exporter.study.report._write import FILES, write_study_report

__all__ = ["FILES", "write_study_report"]
