"""What the agent says, as items: pure."""

from __future__ import annotations

from functools import reduce

import acp
import pytest
from acp import schema

from container.agent import content
from container.agent.announced import Announced, announce, announce_opened
from container.agent.content import MAX_OUTPUT, MAX_TEXT
from container.agent.fold import MAX_CALLS, Draft, fold, fold_tool
from container.agent.items import Diff, Image, Link, Message, Plan, Text, Thought, Tool
from container.agent.weight import weight

AT = "2026-11-23T12:00:00Z"


def folded(*updates):
    """The bodies of all items after these updates, in order."""
    items = {}

    def step(draft, update):
        draft, item = fold(draft, update, AT)
        if item is not None:
            items[item.id] = item.body
        return draft

    reduce(step, updates, Draft())
    return [items[key] for key in sorted(items)]


def said(text, id_=None):
    update = acp.update_agent_message_text(text)
    update.message_id = id_
    return update


def test_chunks_become_one_message_until_something_else_comes():
    thought = acp.update_agent_thought_text("hm")
    assert folded(said("a"), said("b"), thought, thought, said("c")) == [
        Message("ab"),
        Thought("hmhm"),
        Message("c"),
    ]


def test_two_messages_with_ids_of_their_own_are_two():
    assert folded(said("a", "1"), said("b", "1"), said("c", "2")) == [
        Message("ab", message="1"),
        Message("c", message="2"),
    ]


def test_our_own_words_and_announcements_are_no_items():
    assert folded(acp.update_user_message_text("me"), acp.helpers.update_current_mode("x")) == []


def test_a_message_with_an_image_goes_on_after_it():
    image = acp.update_agent_message(acp.image_block("AAAA", "image/png"))
    [message] = folded(said("see "), image, said("the"), said("re"))
    assert message == Message("see ", pieces=(Image("image/png", "AAAA", 3), Text("there")))


def test_a_message_has_a_largest_size_and_tells_what_is_missing():
    [message] = folded(said("x" * (MAX_TEXT - 1)), said("yz"), said("more"))
    assert len(message.text) == MAX_TEXT
    assert message.text.endswith("xy")
    assert message.omitted == 5
    assert weight(message) == MAX_TEXT


def test_a_message_of_many_pieces_is_bounded_as_a_whole():
    image = acp.update_agent_message(acp.image_block("A" * 300_000, "image/png"))
    long = said("x" * MAX_TEXT)
    [message] = folded(*[image, long] * 60)
    assert weight(message) <= 2 * MAX_TEXT
    assert len(message.pieces) == content.MAX_PIECES


def test_a_long_id_of_a_call_is_still_one_call():
    id_ = "i" * 5000
    [tool] = folded(acp.start_tool_call(id_, "x"), acp.update_tool_call(id_, status="completed"))
    assert tool.status == "completed"


def test_a_tool_call_changes_in_place_and_keeps_what_an_update_leaves_out():
    start = acp.start_tool_call("1", "Edit", kind="edit", status="pending", raw_input={"path": "a"})
    update = acp.update_tool_call(
        "1",
        status="completed",
        content=[acp.tool_diff_content("a", "new", "old"), acp.tool_content(acp.text_block("done"))],
        locations=[schema.ToolCallLocation(path="a", line=3)],
    )
    [first, second] = folded(start, said("meanwhile"), update)
    assert (first.title, first.tool, first.status) == ("Edit", "edit", "completed")
    assert first.pieces == (Diff("a", "old", "new"), Text("done"))
    assert first.locations[0].line == 3
    assert first.input == '{\n "path": "a"\n}'
    assert second == Message("meanwhile")


def test_a_new_file_has_no_old_text():
    call = acp.start_tool_call("1", "New", content=[acp.tool_diff_content("a", "new")])
    [tool] = folded(call)
    assert tool.pieces == (Diff("a", None, "new"),)


def test_an_update_of_an_unknown_call_is_an_entry_of_its_own():
    [tool] = folded(acp.update_tool_call("9", status="in_progress"))
    assert tool == Tool("9", "", status="in_progress")


def test_calls_that_may_still_change_are_bounded():
    calls = [acp.start_tool_call(str(number), "x") for number in range(MAX_CALLS + 3)]
    draft = reduce(lambda draft, update: fold(draft, update, AT)[0], calls, Draft())
    assert len(draft.calls) == MAX_CALLS
    assert "0" not in draft.calls


def test_output_in_meta_is_gathered_and_its_end_is_kept():
    def printed(data, name):
        update = acp.update_tool_call("1")
        update.field_meta = {name: {"terminal_id": "1", "data": data}}
        return update

    ended = acp.update_tool_call("1", status="failed")
    ended.field_meta = {"terminal_exit": {"exit_code": 2}}
    [tool] = folded(
        acp.start_tool_call("1", "make", kind="execute"),
        printed("a" * MAX_OUTPUT, "terminal_output"),
        printed("end", "terminal_output_delta"),
        ended,
    )
    assert (tool.output[-4:], len(tool.output), tool.omitted) == ("aend", MAX_OUTPUT, 3)
    assert (tool.exit_code, tool.status) == (2, "failed")


@pytest.mark.parametrize(
    "meta", [{"terminal_output": "no"}, {"terminal_output": {"data": 1}}, {"terminal_exit": 1}]
)
def test_meta_of_another_form_is_passed_over(meta):
    update = acp.update_tool_call("1", status="completed")
    update.field_meta = meta
    [tool] = folded(update)
    assert (tool.output, tool.exit_code) == ("", None)


@pytest.mark.parametrize(
    ("raw", "output"),
    [
        ({"formatted_output": "text"}, "text"),
        ("text", "text"),
        ({"code": 1}, '{\n "code": 1\n}'),
        ("half \ud800 of one", "half ? of one"),
        ({"output": "\ud800"}, "?"),
    ],
)
def test_raw_output_serves_where_there_is_no_other(raw, output):
    [tool] = folded(acp.update_tool_call("1", raw_output=raw))
    assert tool.output == output


def test_raw_output_is_not_told_twice():
    content_ = [acp.tool_content(acp.text_block("shown"))]
    [tool] = folded(acp.update_tool_call("1", content=content_, raw_output="raw"))
    assert tool.output == ""


def test_a_plan_is_replaced_in_place_and_each_turn_has_its_own():
    one, two = (acp.update_plan([acp.plan_entry(name)]) for name in ("a", "b"))
    [plan] = folded(one, said_in_between := two)
    assert said_in_between is two
    assert [step.content for step in plan.steps] == ["b"]
    draft, first = fold(Draft(), one, AT)
    _, second = fold(draft.begin_turn(), two, AT)
    assert first.id != second.id
    assert isinstance(second.body, Plan)


def test_a_permission_request_tells_more_of_its_tool_call():
    draft, _ = fold(Draft(), acp.start_tool_call("1", "Run"), AT)
    asked = schema.ToolCallUpdate(tool_call_id="1", content=[acp.tool_content(acp.text_block("rm -r"))])
    _, item = fold_tool(draft, asked, AT)
    assert item.body.title == "Run"
    assert item.body.pieces == (Text("rm -r"),)


def test_the_content_of_one_call_is_bounded_as_a_whole():
    big = [acp.tool_diff_content(f"{n}", "n" * MAX_TEXT, "o" * MAX_TEXT) for n in range(100)]
    [tool] = folded(acp.start_tool_call("1", "x", content=big))
    assert weight(tool) <= 2 * MAX_TEXT + 10
    assert len(tool.pieces) <= content.MAX_PIECES
    assert tool.omitted > 0


@pytest.mark.parametrize(
    ("block", "piece"),
    [
        (acp.image_block("A" * (content.MAX_IMAGE + 4), "image/png"), Image("image/png", "", 300_003)),
        (acp.resource_link_block("a.py", "file:///a.py"), Link("file:///a.py", "a.py")),
        (acp.resource_block(acp.embedded_text_resource("file:///a", "text")), Text("text")),
        (
            acp.resource_block(acp.embedded_blob_resource("file:///a/b.bin", "AA")),
            Link("file:///a/b.bin", "b.bin"),
        ),
    ],
)
def test_content_that_is_no_text(block, piece):
    assert content.piece_of(block, 10**6) == piece


def test_what_is_announced():
    modes = schema.SessionModeState(
        current_mode_id="ask", available_modes=[schema.SessionMode(id="ask", name="Ask")]
    )
    group = schema.SessionConfigSelectGroup(
        group="g", name="G", options=[schema.SessionConfigSelectOption(value="s", name="Small")]
    )
    options = [
        schema.SessionConfigOptionSelect(
            id="model", name="Model", type="select", category="model", current_value="s", options=[group]
        ),
        schema.SessionConfigOptionBoolean(id="fast", name="Fast", type="boolean", current_value=True),
    ]
    opened = acp.NewSessionResponse(session_id="1", modes=modes, config_options=options)
    found = announce_opened(Announced(), opened)
    assert (found.mode, [mode.name for mode in found.modes]) == ("ask", ["Ask"])
    model, fast = found.options
    assert (model.category, model.value, [choice.id for choice in model.choices]) == ("model", "s", ["s"])
    assert (fast.value, fast.choices) == (True, ())

    command = schema.AvailableCommand(
        name="plan",
        description="Make a plan",
        input=schema.AvailableCommandInput(root=schema.UnstructuredCommandInput(hint="what")),
    )
    for update in (
        acp.helpers.update_current_mode("code"),
        acp.helpers.update_available_commands([command]),
        schema.SessionInfoUpdate(session_update="session_info_update", title="A title"),
        schema.UsageUpdate(
            session_update="usage_update", used=1, size=2, cost=schema.Cost(amount=0.5, currency="USD")
        ),
    ):
        found = announce(found, update)
    assert found.mode == "code"
    assert [(c.name, c.hint) for c in found.commands] == [("plan", "what")]
    assert found.title == "A title"
    assert found.context is not None
    assert (found.context.used, found.context.cost) == (1, 0.5)
