"""``golive gate``: the verdict on a bundle, as a value, an exit code and a JUnit file."""

import html
from pathlib import Path
from xml.etree import ElementTree as ET

from golive.control.rooms import Rooms
from golive.domain.bundle import Bundle
from golive.domain.digest import digest_of_value, short
from golive.domain.evidence import Evidence
from golive.domain.policy import Policy, Reason, Verdict
from golive.errors import GateRefusedError
from golive.judge import judge
from golive.store.files import write_whole


def verdict_on(
    bundle: Bundle, policy: Policy, rooms: Rooms, *, forced: str = "", against: Bundle | None = None
) -> Verdict:
    """Judge a bundle by the newest evaluation on its project's test rows; without one, by the newest on other rows.

    With ``against``, only evaluations that compared it with that bundle count.

    Raises:
        GateRefusedError: it was never evaluated, or never against that bundle.
    """
    evidence = deciding_evaluation(bundle, rooms, against=against)
    if evidence is None and against is not None:
        message = (
            f"{bundle.name} {short(bundle.digest)} was never compared with {against.name} {short(against.digest)}; "
            f"run `golive evaluate {bundle.name} --against {short(against.digest)}` first"
        )
        raise GateRefusedError(message)
    if evidence is None and bundle.signature.task == "tensors":
        return _unmeasured(bundle, policy, forced=forced)
    if evidence is None:
        message = f"{bundle.name} {short(bundle.digest)} was never evaluated; run `golive evaluate` on it first"
        raise GateRefusedError(message)
    return judge(evidence, policy, forced=forced)


def deciding_evaluation(bundle: Bundle, rooms: Rooms, *, against: Bundle | None = None) -> Evidence | None:
    """Give the evaluation that a gate goes by, or None.

    Rows that a person chose decide only where no test rows were ever measured: they may be training rows.
    """
    found = [
        evidence
        for evidence in rooms.bundles.evidence(bundle.digest)
        if evidence.kind == "evaluation" and (against is None or evidence.champion == against.digest)
    ]
    return max(found, key=lambda evidence: (evidence.rows_from == "test", evidence.measured_at), default=None)


def _unmeasured(bundle: Bundle, policy: Policy, *, forced: str) -> Verdict:
    """Say of a bundle of tensors that nothing was measured; a person may know better, and say why."""
    text = (
        f"{bundle.name} was never evaluated; run `golive evaluate {bundle.name} --data FILE.npz --truth NAME`, or, "
        "where its answers cannot be measured, release it with `golive deploy NAME REF --force REASON`"
    )
    reason = Reason(rule="evaluation", outcome="not-enough-data", text=text)
    return Verdict(
        bundle=bundle.digest,
        outcome="not-enough-data",
        reasons=(reason,),
        policy=digest_of_value(policy),
        forced=forced,
    )


def refuse_unless_allowed(verdict: Verdict, bundle: Bundle) -> None:
    """Let a verdict pass that allows a release.

    Raises:
        GateRefusedError: it does not; the message names each rule that stands against it.
    """
    if verdict.allows:
        return
    against = "; ".join(reason.text for reason in verdict.reasons if reason.outcome != "pass")
    message = f"the gate says {verdict.outcome!r} for {bundle.name} {short(bundle.digest)}: {against}"
    raise GateRefusedError(message)


def write_junit(verdict: Verdict, bundle: Bundle, path: Path) -> None:
    """Write a verdict as JUnit XML, one test case a rule, for continuous integration.

    Raises:
        UnavailableError: the file cannot be written.
    """
    failures = sum(reason.outcome == "fail" for reason in verdict.reasons)
    unknown = sum(reason.outcome == "not-enough-data" for reason in verdict.reasons)
    suite = ET.Element(
        "testsuite",
        name=f"golive gate {bundle.name}",
        tests=str(len(verdict.reasons)),
        failures=str(failures),
        errors=str(unknown),
    )
    for reason in verdict.reasons:
        case = ET.SubElement(suite, "testcase", classname=f"golive.{bundle.name}", name=reason.rule)
        if reason.outcome != "pass":
            tag = "failure" if reason.outcome == "fail" else "error"
            ET.SubElement(case, tag, message=reason.text)
    write_whole(path, ET.tostring(suite, encoding="utf-8", xml_declaration=True))


def append_summary(verdict: Verdict, bundle: Bundle, rooms: Rooms, path: Path) -> None:
    """Append a verdict as Markdown, as continuous integration shows it beside a change.

    Raises:
        UnavailableError: the file cannot be written.
    """
    evidence = deciding_evaluation(bundle, rooms)
    before = path.read_text("utf-8") if path.is_file() else ""
    parted = f"{before.rstrip()}\n\n" if before.strip() else ""
    write_whole(path, (parted + verdict_markdown(verdict, bundle, evidence)).encode())


def verdict_markdown(verdict: Verdict, bundle: Bundle, evidence: Evidence | None) -> str:
    """Write a verdict, its rules and what was found as Markdown."""
    mark = {"pass": "✅", "fail": "❌", "not-enough-data": "⚠️"}
    lines = [f"### {mark[verdict.outcome]} {_cell(bundle.name)}: {verdict.outcome}", ""]
    lines += [f"> Released against the verdict: {_cell(verdict.forced)}", ""] if verdict.forced else []
    lines += ["| | rule | finding |", "| --- | --- | --- |"]
    lines += [f"| {mark[reason.outcome]} | `{reason.rule}` | {_cell(reason.text)} |" for reason in verdict.reasons]
    findings = () if evidence is None else evidence.findings
    lines += ["", *(f"- **{found.severity}** {found.kind}: {_cell(found.text)}" for found in findings)]
    measured = f"{verdict.rows:,} rows of `{short(verdict.data)}`" if verdict.data else f"{verdict.rows:,} rows"
    lines += ["", f"Judged on {measured}; bundle `{bundle.digest}`, policy `{verdict.policy}`.", ""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    """Keep what comes from data from being read as markup of a table or a page."""
    return " ".join(html.escape(text, quote=False).replace("|", "\\|").split())
