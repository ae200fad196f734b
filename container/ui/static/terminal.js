// One terminal: xterm on the session's own socket for it. Output does not go through the page's program,
// so a flood of it holds up nothing else; what was missed meanwhile is asked for by its position.
import { Terminal, FitAddon, WebLinksAddon } from "nicegui-xterm";

const MOST_PENDING = 4 * 1024 * 1024; // bytes that wait to be drawn, before the socket is let go for a while
const RETRY = [250, 500, 1000, 2000, 4000]; // milliseconds
const ENDED = [1000, 4000]; // the codes of a close that is no accident
const encoder = new TextEncoder();

export default {
  template: '<div class="xterm-place"></div>',
  props: { options: Object, resourcePath: String, terminal: String },
  mounted() {
    this.style = document.createElement("link");
    this.style.rel = "stylesheet";
    this.style.href = window.path_prefix + `${this.resourcePath}/xterm.css`;
    document.head.append(this.style);
    this.screen = new Terminal(this.options);
    this.fitting = new FitAddon();
    this.screen.loadAddon(this.fitting);
    this.screen.loadAddon(new WebLinksAddon((_, uri) => window.open(uri, "_blank", "noopener,noreferrer")));
    this.screen.open(this.$el);
    this.screen.onData((text) => this.type(encoder.encode(text)));
    this.screen.onBinary((text) => this.type(Uint8Array.from(text, (c) => c.charCodeAt(0) & 255)));
    this.screen.onResize(() => this.resize());
    this.position = null;
    this.pending = 0;
    this.tries = 0;
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(this.$el);
    this.connect();
  },
  unmounted() {
    this.gone = true;
    clearTimeout(this.later);
    this.observer.disconnect();
    this.socket?.close();
    this.screen.dispose();
    this.style.remove();
  },
  methods: {
    connect() {
      const scheme = location.protocol === "https:" ? "wss:" : "ws:";
      const after = this.position === null ? "" : `?after=${this.position}`;
      const socket = new WebSocket(`${scheme}//${location.host}/api/terminals/${this.terminal}/socket${after}`);
      socket.binaryType = "arraybuffer";
      socket.onopen = () => { this.tries = 0; this.fit(); this.resize(); };
      socket.onmessage = (event) => this.take(event.data);
      socket.onclose = (event) => this.closed(event.code);
      this.socket = socket;
    },
    closed(code) {
      this.socket = null;
      if (this.gone || ENDED.includes(code)) return;
      this.later = setTimeout(() => this.connect(), RETRY[Math.min(this.tries++, RETRY.length - 1)]);
    },
    take(data) {
      if (typeof data === "string") {
        this.hear(JSON.parse(data));
        return;
      }
      this.position += data.byteLength;
      this.pending += data.byteLength;
      this.screen.write(new Uint8Array(data), () => { this.pending -= data.byteLength; });
      // It is printed faster than it can be drawn: what falls out meanwhile nobody could have read.
      if (this.pending > MOST_PENDING) this.socket?.close(3000);
    },
    hear(said) {
      if (said.type === "position") {
        if (said.lost > 0) this.screen.write(`\r\n\x1b[2m… ${said.lost} bytes were not kept …\x1b[0m\r\n`);
        this.position = said.position;
      } else if (said.type === "exit") {
        const how = said.signal === null ? `exit code ${said.code}` : `signal ${said.signal}`;
        this.screen.write(`\r\n\x1b[2mThe shell has ended (${how}).\x1b[0m\r\n`);
      } else if (said.type === "error") {
        this.$emit("refused", said.error.message);
      }
    },
    type(bytes) {
      if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(bytes);
    },
    fit() {
      if (this.$el.clientWidth > 0 && this.$el.clientHeight > 0) this.fitting.fit();
    },
    resize() {
      if (this.socket?.readyState !== WebSocket.OPEN) return;
      this.socket.send(JSON.stringify({ type: "resize", rows: this.screen.rows, columns: this.screen.cols }));
    },
    focus() {
      this.fit();
      this.screen.focus();
    },
  },
};
