"""Tags: words that users put on checkpoints to find them together."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ingest.references import check_name
from registry.errors import UsageError
from registry.handle import Registry
from registry.tables import Tag


def add_tags(session: Session, checkpoint_id: int, tags: Collection[str]) -> list[str]:
    """Put tags on a checkpoint and return those that it did not have.

    Raises:
        UsageError: one of them cannot be a tag.
    """
    wanted = {check_name(tag, what="tag") for tag in tags}
    if not wanted:
        return []
    has = set(session.scalars(select(Tag.tag).where(Tag.checkpoint_id == checkpoint_id)))
    new = sorted(wanted - has)
    session.add_all(Tag(checkpoint_id=checkpoint_id, tag=tag) for tag in new)
    session.flush()
    return new


def tag_checkpoints(
    registry: Registry,
    checkpoint_ids: Sequence[int],
    *,
    add: Collection[str] = (),
    remove: Collection[str] = (),
) -> int:
    """Put tags on checkpoints, take others off, and return how many checkpoints that changed.

    Raises:
        UsageError: there is nothing to do, a tag is both added and removed, or one cannot be a tag.
    """
    both = sorted(set(add) & set(remove))
    if both:
        raise UsageError(f"the tag '{both[0]}' is both added and removed", hint="leave one of them out")
    if not add and not remove:
        raise UsageError("there is no tag to add or to remove", hint="add --add TAG or --remove TAG")
    changed = 0
    with registry.write() as session:
        for checkpoint_id in dict.fromkeys(checkpoint_ids):
            new = add_tags(session, checkpoint_id, add)
            gone = session.scalars(
                select(Tag.tag).where(Tag.checkpoint_id == checkpoint_id, Tag.tag.in_(sorted(remove)))
            ).all()
            session.execute(delete(Tag).where(Tag.checkpoint_id == checkpoint_id, Tag.tag.in_(gone)))
            changed += bool(new or gone)
    return changed
