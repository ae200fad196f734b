// What the page alone knows: whether it is dark, and that somebody is about to leave unsaved changes.
export default {
  template: "<span></span>",
  props: { unsaved: Boolean },
  watch: {
    "$q.dark.isActive"(dark) { this.$emit("dark", dark); },
  },
  mounted() {
    this.leaving = (event) => { if (this.unsaved) event.preventDefault(); };
    window.addEventListener("beforeunload", this.leaving);
    this.$emit("dark", this.$q.dark.isActive);
  },
  unmounted() { window.removeEventListener("beforeunload", this.leaving); },
};
