"""The end of the demonstration on the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from updraft.demo.story import Story


def show(story: Story, report: Path, console: Console) -> None:
    """Tell the story in one screen."""
    top = sorted(story.excluded_by_rule.items(), key=lambda item: -item[1])[:3]
    lines = [
        f"[b]{story.people_imported:,}[/b] people imported from {story.import_rows:,} rows of {story.source}"
        f" ({story.import_errors} rows in error, {story.import_warnings} warnings);"
        f" {story.cross_unit_managers} of them report to a manager in another unit.",
        f"[b]{story.applied.get('mentor', 0)}[/b] mentors and [b]{story.applied.get('mentee', 0)}[/b] executives applied;"
        f" {story.waitlisted} wait in the queue.",
        f"[b]{story.candidates_refused:,}[/b] of {story.candidates_compared:,} possible pairings refused by a rule: "
        + ", ".join(f"{rule.replace('_', ' ')} {number:,}" for rule, number in top)
        + ".",
        f"[b]{len(story.pairs)}[/b] pairs formed ({story.declined} proposal declined). For instance {_example(story)}",
        f"[b]{story.kept}[/b] of {len(story.meetings)} meetings held; {story.stalled} pairs fell silent,"
        f" [b]{story.rescued}[/b] of them were rescued; {story.dissolved} ended early, {story.completed} completed the year.",
        *_survey(story),
        f"{_blow(story)} {story.resent} requests were sent again.",
    ]
    if story.synthetic_applications:
        lines.append(
            "[dim]Topics, languages, hours, answers and the rhythm of the pairs are synthetic, drawn from a seed.[/dim]"
        )
    console.print(Panel("\n".join(f"• {line}" for line in lines), title="A year of one cohort", border_style="blue"))
    table = Table(title="Was anything lost?", title_justify="left")
    for column in ("", "invariant", "checked", ""):
        table.add_column(column)
    for finding in story.findings:
        verdict = "[green]holds[/green]" if finding.holds else "[red]broken[/red]"
        table.add_row(finding.name, finding.meaning, "\n".join([finding.numbers, *finding.violations]), verdict)
    console.print(table)
    if story.unchecked:
        console.print(f"[yellow]Not checked:[/yellow] {story.unchecked}")
    console.print(f"The report with plots: [link=file://{report}]{report}[/link]")


def _blow(story: Story) -> str:
    if not story.killed:
        return "Nothing was killed;"
    return f"{story.killed} was killed {story.killed_after} and was back after {story.recovered_in:.1f} s;"


def _example(story: Story) -> str:
    if not story.pairs:
        return "none."
    best = max(story.pairs, key=lambda pair: pair.score)
    return f"{best.label}: a {best.mentor_grade} mentors a {best.mentee_grade}. {best.why}"


def _survey(story: Story) -> list[str]:
    answered = ", ".join(f"{kind} {given} of {invited}" for kind, (given, invited) in story.answered.items())
    return [f"Surveys answered anonymously: {answered}. {story.survey_finding}"] if answered else []
