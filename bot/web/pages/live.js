// Shows the lines of a run while they are written. Everything is added as text, never as markup.
"use strict";
(() => {
  const log = document.getElementById("log");
  const word = document.getElementById("live-word");
  if (!log || !log.dataset.stream || !window.EventSource) return;
  const longest = 400000;
  let size = log.textContent.length;
  const source = new EventSource(`${log.dataset.stream}?after=${log.dataset.after}`);
  const say = (text) => {
    word.textContent = text;
  };
  const isAtEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const add = (text) => {
    const follows = isAtEnd();
    log.append(`${text}\n`);
    size += text.length + 1;
    while (size > longest && log.childNodes.length > 1) {
      size -= log.firstChild.textContent.length;
      log.firstChild.remove();
    }
    if (follows) log.scrollTop = log.scrollHeight;
    const empty = document.getElementById("log-empty");
    if (empty) empty.remove();
  };
  const show = (status) => {
    const badge = document.getElementById("status");
    badge.className = `status ${status}`;
    badge.textContent = status.replaceAll("_", " ");
  };
  // The finished page has the stored log, the result and what follows from it.
  const finish = async (status) => {
    say(`The run has ended: ${status.replaceAll("_", " ")}.`);
    try {
      const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const main = page.querySelector("main");
      if (!main) return;
      main.querySelector("#live-word").textContent = word.textContent;
      document.title = page.title;
      document.querySelector("main").replaceChildren(...main.childNodes);
    } catch {
      say("The run has ended. Load this page again to see how.");
    }
  };
  source.addEventListener("open", () => say("● Live"));
  source.addEventListener("lines", (event) => add(event.data));
  source.addEventListener("status", (event) => show(event.data));
  source.addEventListener("end", (event) => {
    source.close();
    show(event.data);
    finish(event.data);
  });
  source.addEventListener("error", () => {
    const over = source.readyState === EventSource.CLOSED;
    say(over ? "The live view has ended. Load this page again." : "The connection was lost; trying again.");
  });
  log.scrollTop = log.scrollHeight;
})();
