"""A report in a notebook: the verdict and its figures in the colours of the page around them, and the whole page folded below."""

from __future__ import annotations

from markupsafe import Markup

from .report_relations import number
from .report_verdict import told_case, verdict_on
from .spec.figures import Figure
from .spec.findings import Findings

MOST_BYTES = 2_000_000  # of a page that is put in; notebooks keep what they show, and a file of many of them would no longer open
_WORDS = {"close": "trust", "visible": "look twice", "off": "do not trust", "none": "nothing to compare"}
_STYLE = (
    ".shr{font:13px/1.5 system-ui,sans-serif;max-width:100%}.shr .wide{overflow-x:auto}.shr table{border-collapse:collapse;margin:6px 0}"
    ".shr td,.shr th{text-align:left;padding:2px 14px 2px 0;background:none;white-space:nowrap}.shr .n{text-align:right;font-variant-numeric:tabular-nums}"
    ".shr .soft{opacity:.7}.shr .tag{border-left:4px solid;padding-left:6px}.shr .close{border-color:#2b8a57}.shr .visible{border-color:#b07a00}"
    ".shr .off{border-color:#c8322b}.shr .none{border-color:#888}.shr ul{margin:4px 0;padding-left:20px}.shr p{margin:0 0 6px}.shr summary{cursor:pointer}"
    ".shr iframe{width:100%;height:720px;border:1px solid #8886;border-radius:8px;margin-top:8px}"
)


def notebook_html(findings: Findings, page: str) -> str:
    """A piece of HTML.

    Args:
        page: the whole report; left out where it is larger than `MOST_BYTES`.
    """
    verdict = verdict_on(findings)
    figures = [*verdict.distrusted, *verdict.doubted, *verdict.trusted]
    rows = Markup("").join(map(_row, figures))
    heads = Markup('<tr><th></th><th></th><th class="n">score</th><th class="n">ceiling</th><th class="n">floor</th></tr>') if figures else Markup("")
    notes = Markup("").join(Markup("<li>{}</li>").format(text) for text in (*map(told_case, verdict.worst), *map(" ".join, map(str.split, verdict.notes))))
    listed = Markup("<ul>{}</ul>").format(notes) if notes else Markup("")
    top = Markup('<p class="tag {}"><strong>{}</strong><br><span class="soft">{}</span></p>').format(verdict.grade, verdict.headline, verdict.size)
    table = Markup('<div class="wide"><table>{}{}</table></div>').format(heads, rows)
    return str(Markup('<div class="shr"><style>{}</style>{}{}{}{}</div>').format(Markup(_STYLE), top, table, listed, _folded(page)))


def _row(figure: Figure) -> Markup:
    grade = Markup('<td><span class="tag {}">{}</span></td>').format(figure.grade, _WORDS[figure.grade])
    numbers = Markup("").join(Markup('<td class="n">{}</td>').format(number(value)) for value in (figure.value, figure.ceiling))
    floor = Markup('<td class="n soft">{}</td>').format("" if figure.floor is None else number(figure.floor))
    return Markup("<tr><td>{}</td>{}{}{}</tr>").format(figure.name.replace("_", " "), grade, numbers, floor)


def _folded(page: str) -> Markup:
    if len(page.encode()) > MOST_BYTES:
        return Markup('<p class="soft">The whole report is too large for a notebook: report.save("report.html").</p>')
    return Markup('<details><summary>The whole report</summary><iframe title="report" loading="lazy" sandbox srcdoc="{}"></iframe></details>').format(page)
