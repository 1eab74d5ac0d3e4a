"use strict";
(() => {
  for (const field of document.querySelectorAll("select[data-submit]")) {
    field.addEventListener("change", () => field.form.requestSubmit());
    const button = field.form.querySelector("button");
    if (button && field.name === "login") button.hidden = true;
  }
  const live = document.getElementById("live");
  if (!live) return;
  const key = (node, index) => {
    const holder = node.closest("article");
    return node.dataset.key || `${holder ? holder.id : ""}/${index}`;
  };
  const opened = () => {
    const keys = new Map();
    live.querySelectorAll("details").forEach((node, index) => keys.set(key(node, index), node.open));
    return keys;
  };
  const refresh = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(`${live.dataset.source}?have=${live.dataset.version}`);
      if (answer.status !== 200) return;
      const text = await answer.text();
      // A person who is inside the refreshed part is not interrupted.
      if (live.contains(document.activeElement) && document.activeElement.matches("button, select")) return;
      const before = opened();
      live.innerHTML = text;
      live.dataset.version = answer.headers.get("X-Version") || "";
      live.querySelectorAll("details").forEach((node, index) => {
        const was = before.get(key(node, index));
        if (was !== undefined) node.open = was;
      });
    } catch {
      // The server is away; the next round tries again.
    }
  };
  setInterval(refresh, 2000);
})();
