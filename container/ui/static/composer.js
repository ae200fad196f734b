// The field in which a prompt is written. The text is the browser's own: the server is told of it and keeps it,
// and changes it only where nothing was typed since, so that no answer ever wipes what was typed meanwhile.
const UNTOLD = "berth-draft"; // what the server does not have yet, over a reload of this window
const PAUSE = 400; // milliseconds without a key until the server is told
const PATIENCE = 30000; // milliseconds until what was sent counts as lost

export default {
  template: `<q-input ref="field" v-model="text" type="textarea" autogrow outlined dense aria-label="Prompt"
    placeholder="Ask the agent …" input-style="max-height: 12rem" @update:model-value="typed"
    @keydown.enter.exact="entered" @focus="$emit('warm')" @blur="tell"></q-input>`,
  props: {
    draft: String, // as the server has it
    accepted: String, // the newest prompt when the page was made
    most: Number, // characters of a prompt
    given: Boolean, // files are attached: no text is needed
  },
  data() {
    return { text: this.draft, told: this.draft, sending: null, again: false };
  },
  mounted() {
    const untold = this.untold();
    if (!untold) return;
    // It was sent, and the page was gone before it heard that it was accepted.
    this.text = untold.sending && untold.sending === this.accepted ? this.rest(untold.text, untold.sending) : untold.text;
    this.typed();
  },
  unmounted() {
    clearTimeout(this.telling);
    clearTimeout(this.losing);
  },
  watch: {
    draft(draft) {
      if (this.text === this.told) this.text = draft; // nothing was typed since: another window wrote, or it was sent
      this.told = draft;
      this.keep();
    },
  },
  methods: {
    untold() {
      try {
        return JSON.parse(sessionStorage.getItem(UNTOLD));
      } catch {
        return null;
      }
    },
    keep() {
      try {
        if (this.text === this.told && this.sending === null) sessionStorage.removeItem(UNTOLD);
        else sessionStorage.setItem(UNTOLD, JSON.stringify({ text: this.text, sending: this.sending }));
      } catch {
        // There is no room for it in the browser: the server has all but the last moment.
      }
    },
    typed() {
      this.keep();
      clearTimeout(this.telling);
      this.telling = setTimeout(this.tell, PAUSE);
    },
    tell() {
      clearTimeout(this.telling);
      if (this.text !== this.told && this.text.length <= this.most) this.$emit("draft", this.text);
    },
    entered(event) {
      if (event.isComposing) return;
      event.preventDefault();
      this.send();
    },
    send() {
      if (this.sending !== null) {
        this.again = true;
        return;
      }
      if (!this.text.trim() && !this.given) return;
      clearTimeout(this.telling);
      this.sending = this.text;
      this.keep();
      this.losing = setTimeout(this.refused, PATIENCE);
      // One that is too long is refused by its length: all of it might be more than a message may hold.
      this.$emit("send", this.text.slice(0, this.most + 1));
    },
    taken(sent) {
      this.answered();
      this.text = this.rest(this.text, sent);
      this.told = "";
      this.typed();
      if (this.again && this.text.trim()) this.send();
      this.again = false;
    },
    refused() {
      this.answered();
      this.again = false;
      this.keep();
    },
    answered() {
      clearTimeout(this.losing);
      this.sending = null;
    },
    rest(text, sent) {
      return text.startsWith(sent) ? text.slice(sent.length).replace(/^\n+/, "") : text;
    },
    begin(text) {
      this.text = text + this.text;
      this.typed();
      this.$refs.field.focus();
    },
  },
};
