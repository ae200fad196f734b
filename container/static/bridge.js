// The words between a session's page and the console's page around it. container/bridge.py is their
// source: the table below is its vocabulary(), and a test holds the two equal.

export const VERSION = 1;
const LONGEST_TEXT = 2000; // characters in a field
const ORIGIN = /^https?:\/\/[a-z0-9.[\]:-]+$/;

// The table begins here.
const WORDS = {
  "ready": { "said_by": ["session"], "fields": { "entry": ["wanted", "open"] } },
  "auth": { "said_by": ["console"], "fields": { "token": "text" } },
  "error": { "said_by": ["session"], "fields": { "reason": "text", "message": "text" } },
  "title": { "said_by": ["session"], "fields": { "title": "text" } },
  "attention": {
    "said_by": ["session"],
    "fields": { "attention": ["Working", "NeedsInput", "NeedsApproval", "Idle", "LimitReached", "Unknown"] }
  },
  "navigate": { "said_by": ["console", "session"], "fields": { "path": "path" } }
};
// The table ends here.

function fits(kind, value) {
  if (typeof value !== "string" || value.length > LONGEST_TEXT) return false;
  if (Array.isArray(kind)) return kind.includes(value);
  // Browsers read "/\host" and "/<tab>/host" as another host.
  return kind !== "path" || /^\/(?![/\\])[^\\\u0000-\u001f]*$/.test(value);
}

// The fields of a message of `type` if `side` may say it so; null for anything else.
function fieldsOf(type, side, given) {
  const word = Object.hasOwn(WORDS, type) ? WORDS[type] : null;
  if (!word || !word.said_by.includes(side)) return null;
  const fields = {};
  for (const [name, kind] of Object.entries(word.fields)) {
    if (!Object.hasOwn(given, name) || !fits(kind, given[name])) return null;
    fields[name] = given[name];
  }
  return fields;
}

// One page's end. `side` is what this page is, "session" or "console"; `peer` gives the window of the
// other page whenever it is asked for; `origin` is the other page's one origin.
export class Bridge {
  #side; #peer; #origin; #listeners = new Map(); #receive;

  constructor(side, peer, origin) {
    if (side !== "session" && side !== "console") throw new TypeError("a bridge's side is session or console");
    if (!ORIGIN.test(origin)) throw new TypeError("a bridge needs one origin, such as https://berth.example.com");
    this.#side = side;
    this.#peer = peer;
    this.#origin = origin;
    this.#receive = (event) => this.#take(event);
    window.addEventListener("message", this.#receive);
  }

  // Throws for what the vocabulary does not have: that is a mistake of ours, not of the other side.
  send(type, given) {
    const fields = fieldsOf(type, this.#side, given);
    if (fields === null) throw new TypeError(`this is no message that a ${this.#side} sends: ${type}`);
    this.#peer()?.postMessage({ berth: VERSION, type, ...fields }, this.#origin);
  }

  // Returns what ends the listening.
  on(type, listener) {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  close() {
    window.removeEventListener("message", this.#receive);
    this.#listeners.clear();
  }

  #take(event) {
    // The origin alone is not enough: another frame of the same origin is not the page we talk to.
    if (event.origin !== this.#origin || event.source === null || event.source !== this.#peer()) return;
    const said = event.data;
    if (typeof said !== "object" || said === null || said.berth !== VERSION || typeof said.type !== "string") return;
    const fields = fieldsOf(said.type, this.#side === "session" ? "console" : "session", said);
    if (fields === null) return;
    for (const listener of this.#listeners.get(said.type) ?? []) listener(fields);
  }
}
