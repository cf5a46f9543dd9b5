"""A secret leaves in no log line, whatever field it got into."""

import json
import logging

import pytest
import structlog

from tracker.config import Logging
from tracker.telemetry import configure

SECRET = "s3cret-s3cret"


def test_a_secret_is_redacted_in_fields_and_messages(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Logging(format="json"), [SECRET])
    structlog.get_logger().warning(f"refused {SECRET}", url=f"https://x/?key={SECRET}", data={"token": SECRET})
    err = capsys.readouterr().err
    assert SECRET not in err
    assert json.loads(err)["url"] == "https://x/?key=[secret]"


def test_a_secret_in_a_traceback_is_redacted(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Logging(format="json"), [SECRET])
    try:
        raise ValueError(f"bad token {SECRET}")
    except ValueError:
        structlog.get_logger().exception("failed")
    err = capsys.readouterr().err
    assert "bad token [secret]" in err
    assert SECRET not in err


def test_the_standard_librarys_logs_pass_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Logging(format="json"), [SECRET])
    logging.getLogger("some.library").warning("request with %s", SECRET)
    err = capsys.readouterr().err
    assert json.loads(err)["event"] == "request with [secret]"


def told(capsys: pytest.CaptureFixture[str], event: str, **fields: object) -> dict[str, object]:
    structlog.get_logger().warning(event, **fields)
    line: dict[str, object] = json.loads(capsys.readouterr().err)
    return line


def test_a_short_secret_is_redacted_where_it_stands_alone(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Logging(format="json"), ["1234"])
    line = told(capsys, "refused key=1234", url="https://x/?key=1234&n=2", pin="1234", number=1234, other="x12345")
    assert (line["event"], line["url"]) == ("refused key=[secret]", "https://x/?key=[secret]&n=2")
    assert (line["pin"], line["number"], line["other"]) == ("[secret]", "[secret]", "x12345")


def test_a_short_secret_leaves_level_and_time_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Logging(format="json"), ["w", "2026", "warn"])
    line = told(capsys, "something happened")
    assert line["level"] == "warning"
    assert "secret" not in str(line["timestamp"])


def test_a_secret_is_redacted_in_the_form_it_has_in_a_url(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Logging(format="json"), ["a b/c+d"])
    line = told(capsys, "asked", path="/token?secret=a%20b%2Fc%2Bd", body="secret=a+b%2Fc%2Bd")
    assert (line["path"], line["body"]) == ("/token?secret=[secret]", "secret=[secret]")


def test_of_secrets_that_contain_each_other_the_longer_goes_whole(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Logging(format="json"), ["secret-1", "secret-1-and-more"])
    assert told(capsys, "it is secret-1-and-more")["event"] == "it is [secret]"


def test_without_secrets_a_line_is_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Logging(format="json"), ["", ""])
    assert told(capsys, "fine", count=3)["count"] == 3
