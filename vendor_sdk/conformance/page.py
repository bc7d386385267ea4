"""A report as one page that needs nothing else, and its badge."""

from html import escape

from vendor_sdk.conformance.report import Report, Result, Verdict

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2733 }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; vertical-align: top; padding: .4rem; border-top: 1px solid #d8dee4 }
.passed { color: #116329 } .failed { color: #b3261e } .open { color: #8a5a00 } .skipped { color: #5b6672 }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .3rem 0; font-size: .85rem } small { color: #5b6672 }
"""
GREEN, RED = "#1a7f37", "#b3261e"
LEFT, CHARACTER, PADDING = 84, 6.6, 10


def badge(report: Report) -> str:
    """An SVG of one line: the levels that passed, or that it is not certified."""
    said = escape(" · ".join(each.level for each in report.levels if each.passed) if report.passed else "not certified")
    right = int(len(said) * CHARACTER) + 2 * PADDING
    color = GREEN if report.passed else RED
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + right}" height="20" role="img" aria-label="wheelwright: {said}">'
        f'<rect width="{LEFT}" height="20" fill="#3b434b"/><rect x="{LEFT}" width="{right}" height="20" fill="{color}"/>'
        '<g fill="#fff" font-family="Verdana, sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{LEFT / 2}" y="14">wheelwright</text><text x="{LEFT + right / 2}" y="14">{said}</text></g></svg>'
    )


def page(report: Report) -> str:
    """The page; everything in it that came from elsewhere is escaped."""
    title = f"{escape(report.adapter)}: {'certified' if report.passed else 'not certified'}"
    facts = (
        ("Adapter", f"{report.adapter_class} {report.adapter_version}"),
        ("Capabilities", ", ".join(report.capabilities)),
        ("SDK", report.sdk_version),
        ("Settings, without secrets (SHA-256)", report.config_hash),
        ("Made", f"{report.made_at:%Y-%m-%d %H:%M:%S} UTC, in {report.seconds:.1f} s"),
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<style>{STYLE}</style><h1>{title}</h1><p>{badge(report)}</p>"
        f"<table>{''.join(f'<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in facts)}</table>"
        f"<h2>Levels</h2><table>{''.join(map(_level, report.levels))}</table>"
        f"<h2>Rules</h2><table>{''.join(map(_rule, report.rules))}</table></html>"
    )


def _level(each: Verdict) -> str:
    counts = f"{each.rules_passed} passed, {each.rules_failed} failed or open, {each.rules_skipped} skipped"
    told = f"{counts}. {each.reason}" if each.reason else counts
    return f'<tr><th>{escape(each.level)}</th><td class="{each.outcome}">{each.outcome}</td><td>{escape(told)}</td></tr>'


def _rule(each: Result) -> str:
    told = (("", each.reason), ("asked: ", each.asked), ("came: ", each.came), ("expected: ", each.expected))
    more = "".join(f"<pre>{escape(name + text)}</pre>" for name, text in told if text)
    return (
        f'<tr><td><code>{escape(each.id)}</code></td><td class="{each.outcome}">{each.outcome}</td>'
        f"<td>{escape(each.demands)}<br><small>{escape(each.why)}</small>{more}</td></tr>"
    )
