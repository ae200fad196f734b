// Lets its page into the session, and keeps it in. On the page of those who are not let in it exchanges
// a token for the cookie: one of the address, or one that the console hands over. On the session's own
// pages it takes a token out of the address, and renews the cookie as long as the page is open.
import { Bridge } from "./bridge.js";

const RENEW = 3600 * 1000; // milliseconds; a cookie lasts twelve hours and is renewed after six
const wanted = document.documentElement.dataset.entry === "wanted";
const origin = document.querySelector('meta[name="berth-console"]')?.content ?? "";
const framed = window.parent !== window;

// To the console's page, where there is one around this page; null elsewhere.
export const bridge = framed && origin ? new Bridge("session", () => window.parent, origin) : null;

// Where the console asked the page to go: it may ask before the page that can go there is loaded.
export const asked = { path: null };
bridge?.on("navigate", (said) => { asked.path = said.path; });

// The token of the address, which is taken out of it at once: it shall be in no history and no bookmark.
function takeToken() {
  const match = /^#token=(.*)$/.exec(location.hash);
  if (match === null) return null;
  history.replaceState(history.state, "", location.pathname + location.search);
  return match[1];
}

class Refused extends Error {
  constructor(reason, message) {
    super(message);
    this.reason = reason;
  }
}

async function ask(options) {
  const answer = await fetch("/enter", { ...options, cache: "no-store", signal: AbortSignal.timeout(10000) });
  if (answer.ok) return;
  let problem = {};
  try {
    problem = await answer.json();
  } catch {
    // not from the session itself: something in between answered
  }
  throw new Refused(problem.reason ?? "Unreachable", problem.detail ?? `the session answered ${answer.status}`);
}

async function exchange(token) {
  const body = JSON.stringify({ token });
  await ask({ method: "POST", headers: { "Content-Type": "application/json" }, body });
  try {
    await ask({});
  } catch {
    const advice = framed ? "open the session in a tab of its own" : "allow cookies for it";
    throw new Refused("CookieBlocked", `this browser keeps no cookie for the session's page here; ${advice}`);
  }
}

function say(text) {
  const place = document.getElementById("said");
  if (place) place.textContent = text.charAt(0).toUpperCase() + text.slice(1);
}

async function enter(token) {
  say("opening the session …");
  try {
    await exchange(token);
  } catch (error) {
    const reason = error instanceof Refused ? error.reason : "Unreachable";
    const message = error instanceof Refused ? error.message : "the session does not answer; try again";
    document.documentElement.dataset.reason = reason;
    say(message);
    bridge?.send("error", { reason, message });
    return;
  }
  location.reload();
}

async function renew() {
  try {
    await ask({});
  } catch (error) {
    // Let out: the page of those who are not let in tells what to do, and the console may hand a token.
    if (error instanceof Refused && error.reason !== "Unreachable") location.reload();
  }
}

function beginWanted() {
  const token = takeToken();
  addEventListener("hashchange", () => {
    const later = takeToken();
    if (later !== null) enter(later);
  });
  if (token !== null) {
    enter(token);
    return;
  }
  bridge?.on("auth", (said) => enter(said.token));
  bridge?.send("ready", { entry: "wanted" });
}

function beginOpen() {
  const use = () => {
    const token = takeToken();
    // Used up, so that it serves nobody else; who is in already needs no more of it.
    if (token !== null) exchange(token).catch(() => {});
  };
  use();
  addEventListener("hashchange", use);
  setInterval(renew, RENEW);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) renew(); });
  bridge?.send("ready", { entry: "open" });
}

if (wanted) beginWanted();
else beginOpen();
