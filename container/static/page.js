// Shows the session as /healthz and /api/overview tell it. Text is set as text, never as HTML.
import { bridge } from "./enter.js";

const PERIOD = 2000; // milliseconds
const OVERVIEW_EVERY = 5; // polls, where nothing in the report changed
const GOOD = ["Ready", "Empty", "Clean", "LoggedIn"];
const BAD = ["Failed", "Unsaved", "Expired", "Revoked", "Invalid", "NotInstalled"];

const place = (id) => document.getElementById(id);

function say(id, text) {
  const node = place(id);
  if (node.textContent !== text) node.textContent = text;
}

function toneOf(word) {
  return GOOD.includes(word) ? "good" : BAD.includes(word) ? "bad" : "wait";
}

function plain(word) { // NoRemote -> no remote
  return word.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}

function pill(id, word, tone) {
  say(id, plain(word));
  place(id).dataset.tone = tone || toneOf(word);
}

function element(tag, className, text) {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

function fill(id, nodes) {
  place(id).replaceChildren(...nodes);
}

function count(number, one, many) {
  return `${number} ${number === 1 ? one : many}`;
}

function size(bytes) {
  if (bytes === null) return "";
  let value = bytes;
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (value < 1024) return `${unit === "B" ? value : value.toFixed(1)} ${unit}`;
    value /= 1024;
  }
  return `${value.toFixed(1)} TiB`;
}

function time(text) {
  const moment = new Date(text);
  if (Number.isNaN(moment.getTime())) return "";
  const today = moment.toDateString() === new Date().toDateString();
  return today ? moment.toLocaleTimeString() : moment.toLocaleString();
}

function sayWork(work) {
  const parts = [];
  if (work.uncommitted) parts.push(`${count(work.uncommitted, "change", "changes")} not committed`);
  if (work.unpushed) parts.push(`${count(work.unpushed, "commit", "commits")} not pushed`);
  if (work.state === "Clean") return "All work is saved.";
  if (work.state === "Unknown") return "Not known yet.";
  if (work.state === "NoRemote") parts.unshift("no remote to push to");
  return `${parts.join(", ")}.`;
}

function showHealth(health) {
  bridge?.send("attention", { attention: health.attention });
  pill("workspace", health.workspace.state);
  say("workspace-message", health.workspace.message);
  pill("work", health.work.state);
  say("work-message", sayWork(health.work));
  say("activity", health.activity ? `${time(health.activity.at)}, ${health.activity.source}` : "none yet");
  say("agent", health.agent.message);
  say("revision", health.revision || "none");
  say("version", health.version);
  fill("logins", health.auth.length === 0 ? [element("span", "quiet", "none were given")] : health.auth.map((login) => {
    const row = element("div", "login", "");
    const mark = element("span", "pill", plain(login.state));
    mark.dataset.tone = toneOf(login.state);
    row.append(`${login.provider} `, mark, ` ${login.message}`);
    return row;
  }));
  fill("notices", (health.notices || []).map((notice) => element("p", "notice", `${notice.source} ${notice.message}`)));
}

function showOverview(view) {
  say("repository", view.repository || "none declared");
  say("ref", view.ref || (view.repository ? "the default branch" : "none"));
  say("branch", view.branch || "none");
  fill("files", view.files.entries.map((entry) => {
    const row = element("li", "", "");
    row.dataset.kind = entry.kind;
    const suffix = { directory: "/", link: " →" }[entry.kind] || "";
    row.append(element("span", "entry mono", entry.name + suffix), element("span", "quiet", size(entry.bytes)));
    return row;
  }));
  say("files-note", view.files.entries.length === 0 ? "Nothing here yet." : view.files.more ? "… and more." : "");
  fill("events", view.events.map((event) => {
    const row = element("li", "", "");
    row.dataset.level = event.level;
    row.append(element("span", "quiet", time(event.at)), element("span", "message", `${event.source}: ${event.message}`));
    return row;
  }));
}

async function read(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(10000) });
  if (answer.status === 401) location.reload(); // let out: the page that comes tells what to do
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.text();
}

let last = { health: "", overview: "" };
let polls = 0;

async function look() {
  try {
    const health = await read("healthz");
    const changed = health !== last.health;
    if (changed) showHealth(JSON.parse(health));
    if (changed || polls % OVERVIEW_EVERY === 0) {
      const overview = await read("api/overview");
      if (overview !== last.overview) showOverview(JSON.parse(overview));
      last = { health, overview };
    }
    polls += 1;
    const degraded = JSON.parse(health).status !== "ok";
    pill("link", degraded ? "needs a look" : "live", degraded ? "wait" : "good");
  } catch {
    pill("link", "not reachable", "bad");
  }
}

async function live() {
  if (!document.hidden) await look();
  setTimeout(live, PERIOD);
}

bridge?.send("title", { title: document.title });
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
live();
