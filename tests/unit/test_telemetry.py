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
