// Browsers may refuse a frame of another site its storage, and NiceGUI's script ends at the first use of it.
// There, a storage in memory takes its place: it is for what belongs to this one page. Runs before NiceGUI's.
for (const name of ["sessionStorage", "localStorage"]) {
  try {
    window[name].length;
  } catch {
    const memory = Object.create({
      getItem(key) { return Object.hasOwn(this, key) ? this[key] : null; },
      setItem(key, value) { this[key] = String(value); },
      removeItem(key) { delete this[key]; },
      clear() { for (const key of Object.keys(this)) delete this[key]; },
    });
    Object.defineProperty(window, name, { value: memory });
  }
}
