"""SQL chooses checkpoints wherever they are named; only ids come back."""

from __future__ import annotations

import json

import pytest

from cavewall.selecting import choose_checkpoints, ids_where, question_of
from registry.errors import NotFoundError, UsageError
from registry.handle import Registry
from tests.cavewall.conftest import Call


@pytest.mark.parametrize(
    ("pattern", "question"),
    [
        ("@sql:select 1", "select 1"),
        ('@sql:"select 1"', "select 1"),
        ('@sql: "select 1" ', "select 1"),
        ('@sql:select "a"', 'select "a"'),
        ("dino-*", None),
    ],
)
def test_the_quotes_of_the_grammar_are_taken_off(pattern: str, question: str | None) -> None:
    assert question_of(pattern) == question


def test_questions_and_names_stand_side_by_side(small_zoo: Registry) -> None:
    sql = "@sql:\"select checkpoint_id from checkpoints where modality = 'vision' order by name\""
    with small_zoo.read() as session:
        assert [row.id for row in choose_checkpoints(session, [sql, "words", "pixels"])] == [3, 1, 2]
        assert ids_where(session, "name = 'words' -- a comment") == [2]
        assert ids_where(session, "false") == []


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("select checkpoint_id from checkpoints where nme = 'x'", "the SQL is refused: .*nme"),
        ("select name from checkpoints", "answers with name, expected ids of checkpoints"),
        ("select checkpoint_id = 1 from checkpoints", "expected ids of checkpoints"),
        ("select null::int as checkpoint_id", "expected ids of checkpoints"),
        ("select 1, 2", "answers with 1, 2, expected ids"),
        ("select checkpoint_id from alignment", "only a snapshot holds"),
        ("drop table checkpoints", "DROP is not allowed"),
    ],
)
def test_an_error_in_the_sql_is_one_sentence(small_zoo: Registry, question: str, sentence: str) -> None:
    with small_zoo.read() as session, pytest.raises(UsageError, match=sentence) as caught:
        choose_checkpoints(session, [f"@sql:{question}"])
    assert "\n" not in caught.value.message


def test_a_question_that_selects_nothing_or_nobody_is_refused(small_zoo: Registry) -> None:
    with small_zoo.read() as session:
        with pytest.raises(NotFoundError, match="selects no checkpoint"):
            choose_checkpoints(session, ["@sql:select checkpoint_id from checkpoints where false"])
        with pytest.raises(NotFoundError, match="no checkpoint has the id 99"):
            choose_checkpoints(session, ["@sql:select 99"])


def test_list_takes_conditions_tags_and_questions(call: Call, small_zoo: Registry) -> None:
    def listed(*arguments: str) -> list[str]:
        result = call("checkpoint", "list", *arguments, "--format", "json")
        assert result.exit_code == 0, result.stderr
        return [row["name"] for row in json.loads(result.stdout)["data"]]

    assert call("checkpoint", "tag", "*s", "--add", "plural").exit_code == 0
    assert listed("--where", "modality = 'vision'") == ["pixels", "coarse"]
    assert listed("*s", "--where", "modality = 'vision'") == ["pixels"]
    assert listed("--where", "'plural' in tags") == ["pixels", "words"]
    assert listed("--tag", "plural", "--where", "modality = 'language'") == ["words"]
    assert listed("tag:plural") == ["pixels", "words"]
    assert listed("--where", "false") == []
    refused = call("checkpoint", "list", "--where", "modalty = 'vision'")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.startswith("error: the SQL is refused:")
    assert len(refused.stderr.splitlines()) == 2


def test_other_commands_choose_by_sql_too(call: Call, small_zoo: Registry) -> None:
    chosen = call("embed", "list", "@sql:select checkpoint_id from checkpoints where name = 'words'")
    assert chosen.exit_code == 0, chosen.stderr
    assert len(chosen.stdout.splitlines()) == 2
    retired = call("checkpoint", "retire", "@sql:select 1", "--reason", "test", "--yes")
    assert retired.stdout == "retired 1\n"
