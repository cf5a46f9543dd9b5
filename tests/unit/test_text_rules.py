"""Text rules: whole sentences to codes of a table."""

import pytest

from carriers.sdk import Codes, FulfillmentStatus, Meaning, TextRule, TextRules

TABLE = Codes(DELIVERED="OK", RETURNING="TEXT-BACK")


def test_a_rule_leads_to_a_code_of_the_table() -> None:
    rules = TextRules(
        TextRule("en", "TEXT-BACK", r"delivered to the sender", "Delivered to the sender."),
        TextRule("en", "OK", r"delivered( to .+)?", "Delivered"),
        table=TABLE,
    )

    assert rules.code("  delivered to\nthe SENDER. ") == "TEXT-BACK"
    assert rules.meaning("Delivered to the sender") == TABLE["TEXT-BACK"]
    assert rules.code("Delivered to a neighbour") == "OK"
    assert rules.code("Could not be delivered") is None
    assert rules.meaning("Could not be delivered") is None


def test_without_a_table_a_rule_leads_to_a_status() -> None:
    rules = TextRules(TextRule("en", "ON_HOLD", r"held .+", "Held at the border"))

    assert rules.meaning("Held by customs") == Meaning(FulfillmentStatus.ON_HOLD)


def test_a_rule_must_match_its_own_sentence() -> None:
    with pytest.raises(ValueError, match="does not match its own sentence"):
        TextRule("en", "OK", r"delivered", "Delivered to a neighbour")


def test_a_rule_must_lead_somewhere() -> None:
    with pytest.raises(ValueError, match="'LOST', which no table has"):
        TextRules(TextRule("en", "LOST", r"lost", "Lost"), table=TABLE)


def test_a_rule_must_be_able_to_decide() -> None:
    with pytest.raises(ValueError, match="an earlier one matches it"):
        TextRules(
            TextRule("en", "OK", r"delivered.*", "Delivered"),
            TextRule("en", "TEXT-BACK", r"delivered to the sender", "Delivered to the sender"),
            table=TABLE,
        )
