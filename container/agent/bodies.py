"""The bodies of requests, checked."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from pydantic import Field, StrictBool, model_validator

from container.agent.attachments import FromWorkspace, Given, Upload
from container.agent.queue import Place
from container.answering import Body
from container.refusal import Refusal, Why

Name = Annotated[str, Field(max_length=1000)]


class AttachmentBody(Body):
    """Either ``path``, of a file of the workspace; or ``name`` and ``data``, base64 of the content."""

    path: str | None = Field(default=None, max_length=4096)
    name: str | None = Field(default=None, max_length=1000)
    data: str | None = None

    @model_validator(mode="after")
    def _either(self) -> AttachmentBody:
        uploaded = self.name is not None and self.data is not None
        if (self.path is not None) == uploaded or (not uploaded and (self.name or self.data)):
            raise ValueError("has either path, or name and data")
        return self

    def given(self) -> Given:
        """What it stands for; raises Refusal."""
        if self.path is not None:
            return FromWorkspace(self.path)
        try:
            data = base64.b64decode(self.data or "", validate=True)
        except (binascii.Error, ValueError):
            raise Refusal(Why.INVALID, "attachments.data", "must be base64") from None
        return Upload(self.name or "", data)


class PromptBody(Body):
    """A new prompt."""

    text: str
    attachments: list[AttachmentBody] = Field(default=[], max_length=100)
    place: Place = Field(default=Place.LAST, strict=False)


class EditBody(Body):
    """A change of a prompt that waits: its text, its place, or both."""

    text: str | None = None
    place: Place | None = Field(default=None, strict=False)

    @model_validator(mode="after")
    def _something(self) -> EditBody:
        if self.text is None and self.place is None:
            raise ValueError("changes nothing; give text, place, or both")
        return self


class AnswerBody(Body):
    """The option of a permission request."""

    option: Name


class ProviderBody(Body):
    """The agent to work with."""

    provider: Name


class ModeBody(Body):
    """The mode."""

    mode: Name


class OptionBody(Body):
    """The value of an option."""

    value: StrictBool | Name


class SeenBody(Body):
    """The revision up to which a person has looked."""

    revision: int = Field(ge=0)
