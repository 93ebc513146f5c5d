"""The pack as one page of HTML: headings, tables and small drawings, no script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from matching.entrypoints.governance_plot import interval
from matching.entrypoints.governance_words import (
    ACTS,
    DIMENSIONS,
    GROUPS,
    MEASURES,
    NOT_TESTABLE,
    OVERSIGHT,
    SIDES,
    WITHHELD,
    word,
)

Document = Mapping[str, Any]

_STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--paper:#fff;--zone:#f6f8fa;--mark:#0b5cad;--bad:#a40e26}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9da7b1;--line:#3d444d;
--paper:#0d1117;--zone:#161b22;--mark:#6cb6ff;--bad:#ff8182}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:1.5rem;font:1rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .3rem}
h2{font-size:1.3rem;margin:2.2rem 0 .5rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}
h3{font-size:1.05rem;margin:1.4rem 0 .4rem}p,li{max-width:52rem}.soft{color:var(--soft)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.92rem}
caption{text-align:left;color:var(--soft);padding:.2rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--line)}
thead th{background:var(--zone);white-space:nowrap}td.n,th.n{text-align:right;white-space:nowrap}
.finding{color:var(--bad);font-weight:600}
.verdict{border-left:.3rem solid var(--mark);background:var(--zone);padding:.6rem 1rem;margin:1rem 0}
.verdict.bad{border-color:var(--bad)}code{font-size:.88em;overflow-wrap:anywhere}
svg{display:block;width:11rem;height:1.4rem}
svg .zero{stroke:var(--soft);stroke-dasharray:2 2}
svg .range{stroke:var(--mark);stroke-width:2}
svg .point{fill:var(--mark)}svg.bad .range{stroke:var(--bad)}svg.bad .point{fill:var(--bad)}
@media print{body{max-width:none;padding:0;font-size:10pt}h2{break-after:avoid}tr,figure{break-inside:avoid}.scroll{overflow:visible}}
"""


def page_of(pack: Document) -> str:
    """The whole page of a pack."""
    body = "".join(
        (
            _head(pack),
            _verdict(pack),
            *(_side(side, pack) for side in pack["sides"]),
            _proxy(pack),
            _oversight(pack["oversight"]),
            _card(pack["model_card"]),
            _methods(pack),
        )
    )
    title = "Fairness and governance of a match run"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><main>{body}</main></body></html>"
    )


def _head(pack: Document) -> str:
    return (
        "<header><h1>Fairness and governance of a match run</h1>"
        f'<p class="soft">Run <code>{escape(pack["run_id"])}</code>, cohort <code>{escape(pack["cohort_id"])}</code>. Released'
        f" {escape(pack['released_at'][:16].replace('T', ' '))}; computed once, {escape(pack['computed_at'][:16].replace('T', ' '))},"
        " and kept as it is.</p><p>Groups are what people declared themselves and consented to have counted in audits. No rule and no"
        f" score knows them. Nothing is shown about fewer than {pack['threshold']} people, nor where everybody else are fewer."
        " Intervals hold with 95 % confidence; pp are percentage points.</p></header>"
    )


def _verdict(pack: Document) -> str:
    if not pack["tests"]:
        return '<div class="verdict"><strong>Nothing could be tested.</strong> Too few people have consented to be counted.</div>'
    findings = pack["findings"]
    if not findings:
        return (
            f'<div class="verdict"><strong>No group was found worse off</strong> in {pack["tests"]} tests. That is no proof that'
            " none is: the intervals below say how large a difference could still be.</div>"
        )
    items = "".join(
        f"<li>{word(SIDES, each['role'])}, {word(GROUPS, each['group'])} ({word(DIMENSIONS, each['dimension'])}):"
        f" {MEASURES[each['measure']][0].lower()} differs by {_figure(each['measure'], each['difference']['value'], signed=True)}"
        f" ({_range(each['measure'], each['difference'], signed=True)}), corrected p {_p(each['p_adjusted'])}</li>"
        for each in findings
    )
    noun = "One finding" if len(findings) == 1 else f"{len(findings)} findings"
    return f'<div class="verdict bad"><strong>{noun}</strong> in {pack["tests"]} tests:<ul>{items}</ul></div>'


def _side(side: Document, pack: Document) -> str:
    name = word(SIDES, side["role"])
    parts = [
        f"<section><h2>{name}</h2><p>{side['people']} could have been given a pair, {side['covered']} were.</p>",
    ]
    parts += [_dimension(cut, name, pack["threshold"]) for cut in side["dimensions"]]
    return "".join([*parts, "</section>"])


def _dimension(cut: Document, side: str, threshold: int) -> str:
    title = word(DIMENSIONS, cut["dimension"])
    heading = f"<h3>{title}</h3>"
    if cut["withheld"] is not None:
        return f'{heading}<p class="soft">{word(WITHHELD, cut["withheld"]).format(threshold=threshold)}</p>'
    rest = f"; {cut['rest']} of them in groups too small to be shown" if cut["rest"] else ""
    rows = "".join(
        _row(name, group, figures, first=place == 0, span=len(group["measures"]))
        for group in sorted(cut["groups"], key=lambda group: _place(group["group"]))
        for place, (name, figures) in enumerate(_in_order(group["measures"]))
    )
    return (
        f'{heading}<div class="scroll"><table><caption>{side}: {cut["declared"]} declared{rest}. Each group is compared with everybody'
        ' else of this table.</caption><thead><tr><th scope="col">Group</th><th scope="col">Measure</th><th scope="col" class="n">n</th>'
        '<th scope="col" class="n">Value</th><th scope="col">Interval</th><th scope="col" class="n">Difference</th>'
        f'<th scope="col">Interval of the difference</th><th scope="col" class="n">Corrected p</th></tr></thead><tbody>{rows}</tbody>'
        "</table></div>"
    )


def _row(name: str, group: Document, figures: Document, *, first: bool, span: int) -> str:
    title, meaning = MEASURES[name]
    lead = (
        f'<th scope="rowgroup" rowspan="{span}">{word(GROUPS, group["group"])}<br>{group["people"]} people</th>'
        if first
        else ""
    )
    label = f'<th scope="row" title="{meaning}">{title}</th>'
    if "withheld" in figures:
        return f'<tr>{lead}{label}<td colspan="6" class="soft">Too few people.</td></tr>'
    difference = figures["difference"]
    mark = ' class="n finding"' if figures["finding"] else ' class="n"'
    note = " finding" if figures["finding"] else ""
    shown = _range(name, difference, signed=True)
    drawn = interval(
        difference,
        _reach(name),
        f"Difference {_figure(name, difference['value'], signed=True)}, {shown}",
        bad=figures["finding"],
    )
    p_value = "described only" if figures["p_adjusted"] is None else _p(figures["p_adjusted"]) + note
    return (
        f'<tr>{lead}{label}<td class="n">{figures["n"]}</td><td class="n">{_figure(name, figures["value"])}</td>'
        f"<td>{_range(name, figures)}</td><td{mark}>{_figure(name, difference['value'], signed=True)}</td>"
        f"<td>{drawn}{shown}</td><td{mark}>{p_value}</td></tr>"
    )


def _proxy(pack: Document) -> str:
    proxy = pack["proxy"]
    parts = [
        "<section><h2>Do other facts stand for age?</h2><p>Matching knows nobody's age. Here it is tested, for those who declared an"
        " age band, how well it could be guessed from what matching does know. A finding is better than chance after the correction, by"
        f" at least {proxy['practical_threshold'] * 100:.0f} pp: then that fact carries age with it, and a rule or weight that rests on it"
        " should be looked at.</p>"
    ]
    for side in proxy["sides"]:
        title = word(SIDES, side["role"])
        parts.append(f"<h3>{title}</h3>")
        if side["not_testable"] is not None:
            said = NOT_TESTABLE[side["not_testable"]].format(least=side.get("least_in_band"))
            parts.append(f'<p class="soft">{said}</p>')
            continue
        rows = "".join(_guess(each) for each in side["features"])
        parts.append(
            f'<div class="scroll"><table><caption>{side["people"]} people in {len(side["bands"])} bands; chance is'
            f' {_percent(side["chance"])}.</caption><thead><tr><th scope="col">Guessed from</th><th scope="col" class="n">Balanced'
            ' accuracy</th><th scope="col">Interval</th><th scope="col" class="n">Corrected p</th></tr></thead>'
            f"<tbody>{rows}</tbody></table></div>"
        )
    return "".join([*parts, "</section>"])


def _guess(each: Document) -> str:
    p_value = f"{_p(each['p_adjusted'])} finding" if each["finding"] else _p(each["p_adjusted"])
    mark = "n finding" if each["finding"] else "n"
    return (
        f'<tr><th scope="row">{escape(each["features"].replace("_", " "))}</th><td class="n">{_percent(each["accuracy"])}</td>'
        f'<td>{_percent(each["low"])} to {_percent(each["high"])}</td><td class="{mark}">{p_value}</td></tr>'
    )


def _oversight(record: Document) -> str:
    acts = [
        (ACTS[act], f"<code>{escape(reference)}</code>" if reference else "nobody: not needed")
        for act, reference in sorted(record["by"].items(), key=lambda item: list(ACTS).index(item[0]))
    ]
    counts = [(title, _counted(record.get(name))) for name, title in OVERSIGHT]
    return (
        "<section><h2>Human oversight</h2><p>References stand for people; whoever may read the audit log can tell who they are."
        f" Different people in these roles: {record['people']}.</p>{_list('Who decided, and what', [*acts, *counts])}</section>"
    )


def _card(card: Document) -> str:
    weights = "".join(
        f'<tr><th scope="row">{escape(each["part"])}</th><td class="n">{each["weight"]}</td><td class="n">{each["default"]}</td>'
        f"<td>{'differs' if each['deviates'] else 'the default'}</td><td>{escape(each['reason_of_default'])}</td></tr>"
        for each in card["weights"]
    )
    inputs = "".join(
        f'<tr><th scope="row">{escape(each["field"])}</th><td>{escape(each["source"])}</td><td>{escape(each["purpose"])}</td></tr>'
        for each in card["inputs"]
    )
    facts = [
        ("Status", escape(str(card["status"]))),
        ("Objective, most important first", _levels(card["objective"])),
        ("Proven bound", _levels(card["bound"])),
        ("Solver", escape(" ".join(str(value) for value in card["solver"].values()))),
        ("Equal results are decided by", escape(str(card["tie_rule"]))),
        ("Violations found by the independent checker", escape(str(card["violations"]))),
        ("Checked", _counted(card["checked"])),
        ("Counts", _counted(card["counts"])),
        ("Pairs excluded by rule", _counted(card["excluded_by_rule"])),
        ("Blocking pairs", _counted(card["blocking_pairs"])),
        ("Certificate (SHA-256)", f"<code>{escape(card['certificate_hash'])}</code>"),
        ("Input (keyed hash)", f"<code>{escape(card['input_hash'])}</code>"),
    ]
    contesting = "".join(
        f'<tr><th scope="row">{escape(each["question"])}</th><td>{escape(each["answer"])}</td>'
        f"<td><code>{escape(each['route'])}</code></td></tr>"
        for each in card["contesting"]
    )
    return (
        f"<section><h2>Model card</h2><p>{escape(card['purpose'])}</p>{_list('This run', facts)}"
        f"<h3>Weights of this run</h3>{_table(('Part', 'Weight', 'Default', '', 'Why the default'), weights)}"
        f'<p class="soft">Settings version {card["settings_version"]}. Who changed a weight, and when, is in the audit of the program.</p>'
        f"<h3>What it knows, and for what</h3>{_table(('Fact', 'From', 'Purpose'), inputs)}"
        f"<h3>What it never uses</h3>{_bullets(card['never_used'])}<h3>Known limits</h3>{_bullets(card['limits'])}"
        f"<h3>How to contest it</h3>{_table(('Question', 'Answer', 'Where'), contesting)}</section>"
    )


def _methods(pack: Document) -> str:
    measures = [
        (MEASURES[each["measure"]][0], f"{MEASURES[each['measure']][1]}; {_threshold(each)}")
        for each in pack["measures"]
    ]
    methods = [(name.capitalize(), escape(text)) for name, text in pack["methods"].items()]
    return f"<section><h2>Methods</h2>{_list('Measures', measures)}{_list('How figures are made', methods)}</section>"


def _threshold(measure: Document) -> str:
    least = measure["finding_from"]
    if least is None:
        return "described, not tested"
    return f"a finding from {_figure(measure['measure'], least)} less than everybody else"


def _list(caption: str, rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(f'<tr><th scope="row">{title}</th><td>{value}</td></tr>' for title, value in rows)
    return f'<div class="scroll"><table><caption>{caption}</caption><tbody>{cells}</tbody></table></div>'


def _table(columns: Sequence[str], rows: str) -> str:
    heads = "".join(f'<th scope="col">{name}</th>' if name else "<td></td>" for name in columns)
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


def _bullets(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"


def _levels(levels: Iterable[Document]) -> str:
    return escape(", ".join(f"{each['level'].replace('_', ' ')} {each['value']}" for each in levels)) or "none"


def _counted(value: Any) -> str:
    if isinstance(value, Mapping):
        said = ", ".join(f"{str(name).replace('_', ' ')} {_plain(number)}" for name, number in value.items())
        return escape(said) or "none"
    return escape(_plain(value))


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return str(len(value))
    return str(value)


def _in_order(measures: Mapping[str, Document]) -> list[tuple[str, Document]]:
    return [(name, measures[name]) for name in MEASURES if name in measures]


def _place(group: str) -> int:
    return list(GROUPS).index(group) if group in GROUPS else len(GROUPS)


def _is_share(name: str) -> bool:
    return name in ("coverage", "senior_partner", "high_score")


def _reach(name: str) -> float:
    """How far the drawing of a difference goes to either side."""
    return 0.5 if _is_share(name) else 200.0 if name == "fit" else 3.0


def _figure(name: str, value: float, *, signed: bool = False) -> str:
    scaled = value * 100 if _is_share(name) else value
    digits = 1 if name == "grade_gap" else 0
    text = f"{scaled:+.{digits}f}" if signed else f"{scaled:.{digits}f}"
    unit = "" if not _is_share(name) else " pp" if signed else " %"
    return f"{text.replace('-', '−')}{unit}"


def _range(name: str, figures: Document, *, signed: bool = False) -> str:
    return f"{_figure(name, figures['low'], signed=signed)} to {_figure(name, figures['high'], signed=signed)}"


def _percent(value: float) -> str:
    return f"{value * 100:.0f} %"


def _p(value: float) -> str:
    return "&lt; 0.001" if value < 0.001 else f"{value:.3f}"
