// The page's end of the bridge, as a component: what it is told it tells on, what it hears it emits.
import { asked, bridge } from "/static/enter.js";

export default {
  template: "<span hidden></span>",
  props: { title: String, path: String, attention: String },
  mounted() {
    this.ends = [bridge?.on("navigate", (said) => this.$emit("navigate", said.path))];
    this.look = () => this.$emit("looking", !document.hidden);
    document.addEventListener("visibilitychange", this.look);
    bridge?.send("title", { title: this.title });
    bridge?.send("attention", { attention: this.attention });
    this.place();
    this.look();
    if (asked.path !== null) this.$emit("navigate", asked.path);
  },
  unmounted() {
    document.removeEventListener("visibilitychange", this.look);
    for (const end of this.ends) end?.();
  },
  methods: {
    // The address names the panel, so that a reload comes back to it; it adds nothing to the history.
    place() {
      if (location.pathname !== this.path) history.replaceState(history.state, "", this.path);
      bridge?.send("navigate", { path: this.path });
    },
  },
  watch: {
    title(title) { bridge?.send("title", { title }); },
    attention(attention) { bridge?.send("attention", { attention }); },
    path() { this.place(); },
  },
};
