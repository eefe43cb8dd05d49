"""`cavewall verify`."""

from __future__ import annotations

from dataclasses import asdict

import click

from cavewall.durations import duration
from cavewall.groups import Leaf
from cavewall.opening import opened
from cavewall.options import db_option, option, output_options
from cavewall.output import Output
from cavewall.rendering import columns_of
from registry.errors import RegistryError


@click.command(cls=Leaf)
@option("--repair", is_flag=True, help="Put rows right where that loses nothing; takes the lock.")
@option(
    "--wait", type=duration, default=0.0, metavar="TIME", help="With --repair, wait so long for another run."
)
@db_option
@output_options
def command(repair: bool, wait: float, database: str | None, output: Output) -> None:
    """Read every file of the zoo, and compare it with its row.

    Watermarks, snapshots and the database are checked too. It ends with 1 if something is wrong. Nothing is
    written without --repair.

    Examples:
    cavewall verify
    cavewall verify --repair --format json
    """
    from cavewall.verifying import verify

    with opened(database) as registry:
        findings = verify(registry, repair=repair, wait=wait)
    rows = [asdict(finding) for finding in findings]
    width = max(len(finding.subject) for finding in findings)
    text = "\n".join(f"{one.level:<4}  {one.subject:<{width}}  {one.message}" for one in findings)
    output.result(
        "verify", data=rows, rows=rows, columns=columns_of("level", "subject", "message"), text=text
    )
    failed = sum(finding.level == "fail" for finding in findings)
    if failed:
        raise RegistryError(
            f"{failed} of {len(findings)} checks failed",
            hint="what to do stands beside each that says 'fail'",
        )
