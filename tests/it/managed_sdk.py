"""The vendor's own client runs a whole session against the scripted server, and holds every answer to
its own types: strictly, where the client itself would let anything pass. Prints `well`."""

import io, json, os, sys
import anthropic
from pydantic import TypeAdapter
from anthropic.types import FileMetadata
from anthropic.types.beta import (BetaEnvironment, BetaManagedAgentsAgent, BetaManagedAgentsSession)
from anthropic.types.beta.sessions import (BetaManagedAgentsSendSessionEvents,
    BetaManagedAgentsSessionEvent, BetaManagedAgentsStreamSessionEvents)

url, key = sys.argv[1], os.environ["T"]
client = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)
beta = client.beta

def held(shape, thing):
    """As it came, held to the type."""
    TypeAdapter(shape).validate_python(json.loads(thing.model_dump_json(by_alias=True)))
    return thing

def refused(call, status, code=None):
    try:
        call()
    except anthropic.APIStatusError as error:
        assert error.status_code == status, (error.status_code, error.body)
        told = error.body["error"].get("details", {}).get("error_code")
        assert told == code, error.body
    else:
        raise SystemExit(f"no {status}")

# What is made first.
agent = held(BetaManagedAgentsAgent, beta.agents.create(name="sdk", model="claude-opus-5-5",
    system="Be brief.", tools=[{"type": "agent_toolset_20260401",
        "configs": [{"name": "web_fetch", "enabled": False}]}], metadata={"a": "b"}))
assert agent.version == 1 and agent.model.id == "claude-opus-5-5"
assert [one.id for one in beta.agents.list()] == [agent.id]
held(BetaManagedAgentsAgent, beta.agents.retrieve(agent.id, version=1))
place = held(BetaEnvironment, beta.environments.create(name="sdk", config={"type": "cloud",
    "networking": {"type": "limited", "allowed_hosts": ["docs.rs"]}}))
refused(lambda: beta.environments.create(name="sdk", config={"type": "cloud",
    "networking": {"type": "unrestricted"}}), 409)
assert [one.id for one in beta.environments.list()] == [place.id]
file = held(FileMetadata, client.files.upload(file=("s.db", io.BytesIO(b"\r\n--x\r\nSQLite")),
    expires_in_seconds=3600))
assert file.size_bytes == 13 and not file.downloadable

# Who may ask, and for what.
refused(lambda: anthropic.Anthropic(base_url=url, api_key="x", max_retries=0).beta.agents.list(), 401)
refused(lambda: client.get("/v1/sessions", cast_to=object), 404)
refused(lambda: beta.sessions.create(agent=agent.id, environment_id="env_none"), 404)
refused(lambda: beta.sessions.create(agent=agent.id, environment_id=place.id, budget={"type": "limit",
    "max_list_cost": {"amount": "2.5", "currency": "USD"}}), 400)
refused(lambda: beta.sessions.create(agent=agent.id, environment_id=place.id, resources=[{
    "type": "github_repository", "url": "https://github.com/acme/checkout.git"}]), 400)

# A session, its stream opened before its first message.
session = held(BetaManagedAgentsSession, beta.sessions.create(
    agent={"type": "agent", "id": agent.id, "version": 1}, environment_id=place.id, title="t",
    metadata={"loop_session": "x"}, resources=[
        {"type": "file", "file_id": file.id, "mount_path": "/s.db"},
        {"type": "github_repository", "url": "https://github.com/acme/checkout",
         "checkout": {"type": "branch", "name": "main"}, "authorization_token": "ghs_x"}],
    budget={"type": "limit", "max_list_cost": {"amount": "500", "currency": "USD"}}))
assert session.status == "idle" and session.resources[0].mount_path == "/mnt/session/uploads/s.db"
assert session.resources[0].file_id != file.id
seen, done = [], []
with beta.sessions.events.stream(session.id) as stream:
    sent = held(BetaManagedAgentsSendSessionEvents, beta.sessions.events.send(session.id, events=[
        {"type": "user.message", "content": [{"type": "text", "text": "go"}]}]))
    assert sent.data[0].processed_at is None
    for event in stream:
        held(BetaManagedAgentsStreamSessionEvents, event)
        seen.append(event)
        if event.type == "session.status_idle":
            if event.stop_reason.type != "requires_action":
                break
            for one in event.stop_reason.event_ids:
                beta.sessions.events.send(session.id, events=[{"type": "user.tool_confirmation",
                    "tool_use_id": one, "result": "deny", "deny_message": "no"}])
                done.append(one)
                refused(lambda: beta.sessions.events.send(session.id, events=[{
                    "type": "user.tool_confirmation", "tool_use_id": one, "result": "allow"}]), 400)
assert len(done) == 1, done
assert seen[0].type == "user.message" and [e.id for e in seen].count(seen[0].id) == 2, "queued, processed"

# The history tells the same, and more than once.
listed = [held(BetaManagedAgentsSessionEvent, event) for event in beta.sessions.events.list(session.id)]
told = list(dict.fromkeys(event.id for event in seen))
assert [event.id for event in listed] == told, (told, listed)
verdict = beta.sessions.events.list(session.id, order="desc", limit=1, types=["session.status_idle"])
assert verdict.data[0].stop_reason.type == "end_turn"
pages = list(beta.sessions.events.list(session.id, limit=2))
assert [event.id for event in pages] == told

# What it left.
refused(lambda: beta.files.list(scope_id=session.id), 404)
listed = beta.files.list(scope_id=session.id, betas=["managed-agents-2026-04-01"])
left = [one for one in listed if one.downloadable]
assert [one.filename for one in left] == ["report.md"], left
assert client.files.download(left[0].id).read() == b"# Report\n"
refused(lambda: client.files.download(file.id), 400, "file_not_downloadable")

# A session that works is interrupted, and then archived.
second = beta.sessions.create(agent=agent.id, environment_id=place.id, initial_events=[
    {"type": "user.message", "content": [{"type": "text", "text": "go on"}]}])
assert second.status == "running"
refused(lambda: beta.sessions.archive(second.id), 400)
with beta.sessions.events.stream(second.id) as stream:
    beta.sessions.events.send(second.id, events=[{"type": "user.interrupt"}])
    for event in stream:
        if event.type == "session.status_idle":
            break
assert held(BetaManagedAgentsSession, beta.sessions.retrieve(second.id)).status == "idle"
ours = [one.id for one in beta.sessions.list(agent_id=agent.id)]
assert ours == [second.id, session.id], ours
gone = held(BetaManagedAgentsSession, beta.sessions.archive(second.id))
assert gone.status == "terminated" and gone.archived_at
assert [one.id for one in beta.sessions.list(agent_id=agent.id)] == [session.id]
refused(lambda: beta.sessions.events.send(second.id, events=[{"type": "user.interrupt"}]), 409)
assert client.files.delete(file.id).type == "file_deleted"
print("well")
