"""`cavewall doctor`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from cavewall.groups import Leaf
from cavewall.opening import settings_of
from cavewall.options import db_option, option, output_options
from cavewall.output import Output
from cavewall.rendering import columns_of
from registry.errors import RegistryError

if TYPE_CHECKING:
    from registry.findings import Finding


@click.command(cls=Leaf)
@option("--deep", is_flag=True, help="Read every file of the store and compare its digest, too.")
@option("--online", is_flag=True, help="Try whether the model hub answers, too.")
@db_option
@output_options
def command(deep: bool, online: bool, database: str | None, output: Output) -> None:
    """Examine the zoo and this machine.

    It works on any schema, writes nothing, and ends with 1 if something does not work.

    Examples:
    cavewall doctor
    cavewall doctor --deep --format json
    """
    from cavewall.checkup import examine

    findings = examine(settings_of(database), deep=deep, online=online)
    rows = [asdict(finding) for finding in findings]
    columns = columns_of("level", "subject", "message")
    output.result("doctor", data=rows, rows=rows, columns=columns, text=_text(findings))
    failed = sum(finding.level == "fail" for finding in findings)
    if failed:
        raise RegistryError(
            f"{failed} of {len(findings)} checks failed",
            hint="what to do stands beside each that says 'fail'",
        )


def _text(findings: Sequence[Finding]) -> str:
    width = max(len(finding.subject) for finding in findings)
    return "\n".join(
        f"{finding.level:<4}  {finding.subject:<{width}}  {finding.message}" for finding in findings
    )
