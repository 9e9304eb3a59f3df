"use strict";
(() => {
  const box = document.getElementById("q");
  const note = document.getElementById("n");
  const rows = [...document.querySelectorAll("tr[data-s]")];
  const failures = [...document.querySelectorAll("[data-failure]")];
  // What holds rows or failures, and whether it was open before anything was filtered.
  const groups = [...document.querySelectorAll("[data-group]")].map((group) => ({
    group,
    open: group.open,
    own: group.dataset.s,
    parts: [...group.querySelectorAll("[data-s]")],
  }));
  const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
  const shown = (items) => items.filter((item) => !item.hidden).length;
  let filtered = false;

  function filter() {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = (text) => words.every((word) => text.includes(word));
    for (const { group, open, own, parts } of groups) {
      // A case whose own name matches shows all that is in it.
      const whole = own !== undefined && matches(own);
      let any = whole;
      for (const part of parts) {
        part.hidden = !whole && !matches(part.dataset.s);
        any = any || !part.hidden;
      }
      group.hidden = !any;
      if (words.length > 0) {
        group.open = any;
      } else if (filtered) {
        group.open = open;
      }
    }
    filtered = words.length > 0;
    note.value = `${plural(shown(rows), "case")}, ${plural(shown(failures), "entry").replace("entrys", "entries")}`;
  }

  function follow() {
    let hash = location.hash.slice(1);
    try {
      hash = decodeURIComponent(hash);
    } catch {
      return;
    }
    if (hash.startsWith("q=")) {
      box.value = hash.slice(2);
      filter();
      document.getElementById("filter").scrollIntoView();
      return;
    }
    const target = hash && document.getElementById(hash);
    for (let at = target; at; at = at.parentElement) {
      if (at.hidden) {
        box.value = "";
        filter();
      }
      if (at.tagName === "DETAILS") {
        at.open = true;
      }
    }
    if (target) {
      target.scrollIntoView();
    }
  }

  document.getElementById("filter").hidden = false;
  box.addEventListener("input", () => {
    filter();
    history.replaceState(null, "", box.value ? "#q=" + encodeURIComponent(box.value) : "#");
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && event.target !== box && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      box.focus();
    }
  });
  window.addEventListener("hashchange", follow);
  filter();
  follow();
})();
