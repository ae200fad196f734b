"""One conversation with one running agent: opened, taken up again, prompted, cancelled. Loads acp."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import acp
from acp import RequestError, schema
from pydantic import ValidationError

from container.agent import failures, modes
from container.agent.announced import Announced, ConfigurableOption, announce_opened, options_of
from container.agent.attachments import File
from container.agent.blocks import blocks_of
from container.agent.client import CAPABILITIES, OurSide
from container.agent.content import line
from container.agent.failures import AgentFailure, Kind
from container.agent.pipe import Pipe
from container.agent.program import Program
from container.agent.providers import KEYS
from container.agent.talk import Listener
from container.agent.words import telling

if TYPE_CHECKING:
    from container.agent.announced import Opened

T = TypeVar("T")
_LOOKS, _MOST = 12, 10
"""How often it is looked in the time of patience whether it works; how many such times it may work."""
_CODE_WAIT = 1.0
"""Seconds that a program gets to end after it closed its output."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a conversation is opened with. Times are in seconds."""

    workspace: Path
    environ: Mapping[str, str]
    version: str
    """Ours."""
    mask: Callable[[str], str]
    opening: float
    """How long initializing, and how long opening the session may take."""
    grace: float
    """How long the program gets to end."""
    auto_approve: bool
    """Whether the mode is to be one that asks nothing; otherwise it is one that asks a person."""


class Conversation:
    """Talks with a program; every failure is an AgentFailure without secrets."""

    def __init__(self, program: Program, listener: Listener, terms: Terms) -> None:
        self._program = program
        self._terms = terms
        self._side = OurSide(listener, terms.workspace, terms.environ)
        self._pipe = Pipe(program.stdout, program.stdin)
        # Unstable parts are asked for so that what we do not have is answered as such, without a warning.
        side = cast("acp.Client", self._side)  # without elicitation, which it does not offer
        self._agent = acp.connect_to_agent(side, self._pipe, use_unstable_protocol=True)
        self._methods: Sequence[Any] = ()
        self._capabilities = schema.AgentCapabilities()
        self.announced = Announced()
        self.name = ""
        """What the agent calls itself, with its version."""
        self.remembers = False
        """Whether an earlier conversation was taken up."""

    @property
    def session(self) -> str:
        """The agent's id of it; empty before it was opened."""
        return self._side.session or ""

    @property
    def heard(self) -> float:
        """When the last message came, in the loop's time."""
        return self._pipe.heard

    @property
    def busy(self) -> bool:
        """Whether a command runs that it lets us run: then it is silent for a reason."""
        return self._side.terminals.working

    async def open(self, earlier: str | None) -> None:
        """Initialize, and take up an earlier session where the agent can; raises AgentFailure.

        The mode is then the one that is wanted: an agent may begin in one that asks nobody.
        """
        await self._initialize()
        try:
            await self._open_session(earlier)
        except AgentFailure as failure:
            if failure.kind is not Kind.LOGIN or not await self._log_in():
                raise
            await self._open_session(earlier)
        wanted = modes.choose(self.announced, auto_approve=self._terms.auto_approve)
        if wanted and wanted != modes.mode_of(self.announced):
            await self._enter_mode(wanted)

    async def prompt(self, text: str, files: Sequence[File]) -> str:
        """Give a prompt and wait for the end of the turn; the stop reason. Raises AgentFailure."""
        blocks = await asyncio.to_thread(blocks_of, text, files, images=self.announced.images)
        answer = await self._ask(self._agent.prompt(session_id=self.session, prompt=blocks))
        return answer.stop_reason

    async def cancel(self) -> None:
        """Ask for the end of the turn; raises AgentFailure."""
        await self._ask(self._agent.cancel(session_id=self.session), self._terms.grace)

    async def choose_mode(self, mode: str) -> None:
        """Change the mode; raises AgentFailure."""
        asking = self._agent.set_session_mode(session_id=self.session, mode_id=mode)
        await self._ask(asking, self._terms.opening)

    async def choose_option(self, option: str, value: str | bool) -> tuple[ConfigurableOption, ...]:  # noqa: FBT001 - ACP
        """Set an option; all options after it. Raises AgentFailure."""
        asking = self._agent.set_config_option(config_id=option, session_id=self.session, value=value)
        return options_of((await self._ask(asking, self._terms.opening)).config_options)

    async def ended(self) -> AgentFailure:
        """Wait for the end of the program, and say what it was."""
        await asyncio.wait([self._program.ended])
        return await self._end_told()

    async def aclose(self) -> None:
        """End the talk, the program, and all that it started."""
        await self._side.terminals.aclose()
        await self._program.end(self._terms.grace)
        with contextlib.suppress(Exception):  # what its tasks were about matters no more
            await self._agent.close()

    async def _initialize(self) -> None:
        told = await self._ask(
            self._agent.initialize(
                protocol_version=acp.PROTOCOL_VERSION,
                client_capabilities=CAPABILITIES,
                client_info=schema.Implementation(name="berth", title="Berth", version=self._terms.version),
            ),
            self._terms.opening,
        )
        if told.protocol_version != acp.PROTOCOL_VERSION:
            speaks = f"it speaks version {told.protocol_version} of ACP, and we {acp.PROTOCOL_VERSION}"
            raise AgentFailure(Kind.NOT_INSTALLED, f"{speaks}; take an image with another version of it")
        self._capabilities = told.agent_capabilities or self._capabilities
        self._methods = told.auth_methods or ()
        if told.agent_info is not None:
            title = told.agent_info.title or told.agent_info.name
            self.name = line(f"{title} {told.agent_info.version}".strip(), 100)
        prompts = self._capabilities.prompt_capabilities
        self.announced = Announced(images=bool(prompts and prompts.image))

    async def _open_session(self, earlier: str | None) -> None:
        opened = await self._take_up(earlier) if earlier else None
        if opened is None:
            new = await self._ask(
                self._agent.new_session(cwd=str(self._terms.workspace), mcp_servers=[]), self._terms.opening
            )
            self._side.session = new.session_id
            opened = new
        self.announced = announce_opened(self.announced, opened)

    async def _enter_mode(self, wanted: str) -> None:
        """Change to a mode and see that it is on; raises AgentFailure."""
        option = modes.mode_option(self.announced)
        try:
            if option:
                options = await self.choose_option(option, wanted)
                self.announced = replace(self.announced, options=options)
            else:
                await self.choose_mode(wanted)
            self.announced = replace(self.announced, mode=wanted)
        except AgentFailure as failure:
            if failure.kind is not Kind.ERROR:
                raise
            raise self._not_entered(wanted, failure.message) from None
        if (found := modes.mode_of(self.announced)) != wanted:
            raise self._not_entered(wanted, f"it is in mode {found!r}")

    def _not_entered(self, wanted: str, why: str) -> AgentFailure:
        approves = "true" if self._terms.auto_approve else "false"
        message = (
            f"{self.name or 'the agent'} does not enter its mode {wanted!r}, which spec.agent.autoApprove: "
            f"{approves} needs ({why}); it is given no prompt. Take another version, or change autoApprove"
        )
        return AgentFailure(Kind.MODE, message)

    async def _take_up(self, earlier: str) -> Opened | None:
        """An earlier session; None where the agent cannot, or knows it no more.

        Resuming comes first: loading repeats everything that was said, and we have that already.
        """
        sessions, cwd = self._capabilities.session_capabilities, str(self._terms.workspace)
        ways: list[Coroutine[Any, Any, Opened]] = []
        if sessions is not None and sessions.resume is not None:
            ways.append(self._agent.resume_session(session_id=earlier, cwd=cwd, mcp_servers=[]))
        if self._capabilities.load_session:
            ways.append(self._agent.load_session(session_id=earlier, cwd=cwd, mcp_servers=[]))
        self._side.session, self._side.replaying = earlier, True
        try:
            for way in ways:
                with _passed_over(Kind.ERROR):
                    opened = await self._ask(way, self._terms.opening)
                    self.remembers = True
                    return opened
        finally:
            self._side.replaying = False
            for way in ways:
                way.close()
        self._side.session = None
        return None

    async def _log_in(self) -> bool:
        """Log in by a variable that is set, where the agent has a way that asks nobody."""
        for method in self._methods:
            wanted = KEYS.get(method.id, ())
            usable = any(self._terms.environ.get(name) for name in wanted)
            if isinstance(method, schema.AuthMethodEnvVar) and method.vars:
                needed = [variable.name for variable in method.vars if not variable.optional]
                usable = all(self._terms.environ.get(name) for name in needed)
            if usable:
                await self._ask(self._agent.authenticate(method_id=method.id), self._terms.opening)
                return True
        return False

    async def _ask(self, asking: Coroutine[Any, Any, T], patience: float | None = None) -> T:
        """Wait for an answer, for the end of the program, or for ``patience`` seconds without work of it."""
        task = asyncio.get_running_loop().create_task(asking)
        either: set[asyncio.Future[Any]] = {task, self._program.ended}
        silence = ""
        try:
            if patience is None:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            else:
                silence = await self._worked(either, patience)
            if not task.done() and self._program.ended.done():
                # Its last answer may be on its way.
                await asyncio.wait([task], timeout=_CODE_WAIT)
            if not task.done():
                raise await self._end_told(silence)
            return task.result()
        except RequestError as error:
            raise await self._masked(failures.of_error(error.code, str(error), error.data)) from None
        except ValidationError:
            raise AgentFailure(Kind.ENDED, "it gave an answer that is not as ACP wants it") from None
        except ConnectionError:
            await asyncio.wait([self._program.ended], timeout=_CODE_WAIT)
            raise await self._end_told() from None
        finally:
            task.cancel()

    async def _worked(self, either: set[asyncio.Future[Any]], patience: float) -> str:
        """Wait for one of them while the program works; why it is waited for no longer, or nothing.

        On a busy machine a start takes minutes, and is no reason to begin it anew: that feeds the load.
        """
        loop = asyncio.get_running_loop()
        began = rested = loop.time()
        before = await self._program.work()
        while True:
            now = loop.time()
            if now - rested >= patience:
                return f"it has neither answered nor done anything for {patience:.0f} seconds{self._remedy()}"
            if now - began >= patience * _MOST:
                return f"it works, and has not answered for {patience * _MOST:.0f} seconds{self._remedy()}"
            done, _ = await asyncio.wait(
                either, timeout=patience / _LOOKS, return_when=asyncio.FIRST_COMPLETED
            )
            if done:
                return ""
            work = await self._program.work()
            if work != before or self._pipe.heard > rested:
                before, rested = work, loop.time()

    def _remedy(self) -> str:
        return f" (spec.agent.startSeconds allows more; {self._program.log} has what it wrote)"

    async def _end_told(self, silence: str = "") -> AgentFailure:
        """Why it is at its end: what is wrong with what it says, its exit code, or its silence."""
        trouble = self._pipe.trouble or ("" if self._program.ended.done() else silence)
        words = await self._program.last_words()
        words = await asyncio.to_thread(lambda: telling(self._terms.mask(words)))
        return await self._masked(failures.of_end(self._program.code, words, trouble=trouble))

    async def _masked(self, failure: AgentFailure) -> AgentFailure:
        return await asyncio.to_thread(failure.masked, self._terms.mask)


@contextlib.contextmanager
def _passed_over(kind: Kind) -> Iterator[None]:
    """Go on after a failure of this kind."""
    try:
        yield
    except AgentFailure as failure:
        if failure.kind is not kind:
            raise
